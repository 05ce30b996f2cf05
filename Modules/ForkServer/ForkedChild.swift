import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Syscalls

/// What a child does from the fork on.
///
/// It never returns into the server's loop, and the server's objects never go away in it: their descriptors are closed
/// here, all at once, and must not be closed again under numbers that are others' by then.
///
/// What can be made ready before the fork is: each page of memory that a child is the first to use costs it microseconds. For
/// the same reason this is one object, and not a value whose parts are counted one by one.
final class ForkedChild {
    let inheritance: Inheritance
    private let unwanted: UnwantedDescriptors

    /// What children have of their server.
    struct Inheritance {
        /// The standard streams, the tracker's, and what preloads opened.
        var keptDescriptors: [FileDescriptor]
        /// Signals that the server ignores, as they were before.
        var dispositions: [SignalDisposition]
        /// The limit of open files as it was before the server raised its own.
        var openFilesLimit: ResourceLimit
        /// Where a child that wants to be a client introduces itself.
        var registration: FileDescriptor
        /// Decodes the one request of a child.
        let decoder = ChildRequestDecoder()
    }

    /// Makes a child ready, in the server.
    ///
    /// - Parameter own: What it keeps of the server's descriptors, beside those that all children have.
    convenience init(_ inheritance: Inheritance, keeping own: [FileDescriptor]) {
        self.init(inheritance, keepingOnly: inheritance.keptDescriptors + own + [inheritance.registration])
    }

    /// - Parameter kept: All that it keeps of the server's descriptors.
    init(_ inheritance: Inheritance, keepingOnly kept: [FileDescriptor]) {
        self.inheritance = inheritance
        unwanted = UnwantedDescriptors(from: 3, except: kept)
    }

    /// Runs a program for a client.
    ///
    /// - Parameters:
    ///   - status: Where the client is told that it runs.
    ///   - watch: See `watch`; `nil` for a child that goes on when its client is gone.
    func run(
        _ type: any ChildProgram.Type, in context: ChildContext, status: FileDescriptor, watch: FileDescriptor?
    ) -> Never {
        leaveServer()
        becomeOrdinary()
        do throws(Errno) {
            if let watch { try self.watch(watch) }
            try StartReport().send(over: status)
        } catch {
            fail(type, error, in: context)
        }
        start(type, in: context)
    }

    /// Undoes what the server did to itself.
    func leaveServer() {
        unwanted.close()
        try? inheritance.openFilesLimit.apply(to: .openFiles)
    }

    /// Gives the signals back that a server ignores, and a parked child with it: Ctrl-C shall not end those.
    func becomeOrdinary() {
        for disposition in inheritance.dispositions { try? disposition.restore() }
        setThreadName(literal: "forked child")
    }

    func start(_ type: any ChildProgram.Type, in context: ChildContext) -> Never {
        do {
            guard try inheritance.decoder.run(type, in: context) else { exitImmediately(1) }
        } catch {
            fail(type, error, in: context)
        }
        context.exit(0)
    }

    private func fail(_ type: any ChildProgram.Type, _ error: any Error, in context: ChildContext) -> Never {
        standardErrorLine("\(String(reflecting: type)): \(error)")
        context.exit(1)
    }

    /// Has the kernel kill this process when both client and server are gone, however busy it is then.
    ///
    /// While the server lives it ends its clients' children itself. Nobody writes to the pipe; its last write end closes with
    /// the last of the two. A thread that watched it would be a thread too many.
    ///
    /// - Parameter watch: What its client's sentinel is watched by, for as long as it is open (`ServerClient.takeWatch`).
    func watch(_ watch: FileDescriptor) throws(Errno) {
        #if os(Linux)
            guard try dieWithWriters(of: watch) else { exitImmediately(1) }
        #endif
    }
}
