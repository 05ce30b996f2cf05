import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Syscalls

/// What a child does from the fork on.
///
/// It never returns into the server's loop, and the server's objects never go away in it: their descriptors are closed
/// here, all at once, and must not be closed again under numbers that are others' by then.
struct ForkedChild {
    let inheritance: Inheritance

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
    }

    /// Runs a program for a client.
    ///
    /// - Parameter sentinel: `nil` for a child that goes on when its client is gone.
    func run(
        _ type: any ChildProgram.Type, for client: ProcessID, channel: FileDescriptor, sentinel: FileDescriptor?
    ) -> Never {
        keepOnly([channel, sentinel].compactMap { $0 })
        becomeOrdinary()
        start(type, for: client, channel: OwnedFileDescriptor(owning: channel.rawValue), sentinel: sentinel)
    }

    /// Waits to be told what to run, and runs it; ends when the server does, or does not want it any more.
    ///
    /// - Parameter types: Those that the server knows by name.
    func park(awaiting activation: FileDescriptor, types: [String: any ChildProgram.Type]) -> Never {
        keepOnly([activation])
        setThreadName("spare child")
        // Memory that is written for the first time is copied now, and not when somebody waits for it.
        try? Rehearsal.perform()
        do {
            let server = Connection(OwnedFileDescriptor(owning: activation.rawValue), descriptorLimit: 2)
            let message = try server.receive()
            var descriptors = try server.receiveDescriptors(2)
            let order = try BinaryDecoder().decode(Activation.self, from: message)
            guard let type = types[order.typeName] ?? TypeName.type(named: order.typeName) as? any ChildProgram.Type,
                let channel = descriptors.take(at: 0), let sentinel = descriptors.take(at: 1)
            else { exitImmediately(1) }
            // From here on the request is this child's, and whatever happens to it is the client's to know.
            try server.send([1])
            server.close()
            becomeOrdinary()
            let sentinelNumber = FileDescriptor(rawValue: sentinel.take())
            if order.isDetached { closeDescriptors(from: sentinelNumber.rawValue, through: sentinelNumber.rawValue) }
            start(type, for: order.client, channel: channel, sentinel: order.isDetached ? nil : sentinelNumber)
        } catch {
            // The server has gone, or has spares enough.
            exitImmediately(0)
        }
    }

    private func keepOnly(_ own: [FileDescriptor]) {
        closeDescriptors(from: 3, except: inheritance.keptDescriptors + own + [inheritance.registration])
        leaveServer()
        ForkServer.becomeChild(registration: inheritance.registration)
    }

    /// Undoes what the server did to itself, and has its exit handlers not run here.
    func leaveServer() {
        try? inheritance.openFilesLimit.apply(to: .openFiles)
        let none: SignalSet = []
        none.setAsMask()
        #if os(Linux)
            try? forgetExitHandlers()
        #endif
    }

    /// Gives the signals back that a server ignores, and a parked child with it: Ctrl-C shall not end those.
    func becomeOrdinary() {
        for disposition in inheritance.dispositions { try? disposition.restore() }
        setThreadName("forked child")
    }

    private func start(
        _ type: any ChildProgram.Type, for client: ProcessID, channel: consuming OwnedFileDescriptor,
        sentinel: FileDescriptor?
    ) -> Never {
        let connection = Connection(channel, descriptorLimit: ChildContext.descriptorLimit)
        let context = ChildContext(clientProcess: client, connection: connection)
        do {
            if let sentinel { try watch(sentinel) }
            guard try type.runRequested(in: context) else { exitImmediately(1) }
        } catch {
            standardErrorLine("\(String(reflecting: type)): \(error)")
            context.exit(1)
        }
        context.exit(0)
    }

    /// Has the kernel kill this process when both client and server are gone, however busy it is then.
    ///
    /// While the server lives it ends its clients' children itself. Nobody writes to the pipe; its last write end closes with
    /// the last of the two. A thread that watched it would be a thread too many.
    private func watch(_ sentinel: FileDescriptor) throws(Errno) {
        #if os(Linux)
            guard try Self.endWithWriters(of: sentinel) else { exitImmediately(1) }
            closeDescriptors(from: sentinel.rawValue, through: sentinel.rawValue)
        #endif
    }

    #if os(Linux)
        /// Has the kernel kill this process when the last write end of a pipe is closed, or something is written to it.
        ///
        /// - Returns: Whether there is still one.
        static func endWithWriters(of pipe: FileDescriptor) throws(Errno) -> Bool {
            // The signal belongs to an open file, and the one that was inherited is shared with others.
            let own = try OwnedFileDescriptor.open("/proc/self/fd/\(pipe.rawValue)", [.readOnly, .nonBlocking])
            let descriptor = own.descriptor
            try descriptor.signalOnChange(.kill)
            // Open for as long as the process lives.
            _ = own.take()
            return try !descriptor.wait(for: [], until: .now).contains(.hangUp)
        }
    #endif
}

extension ChildProgram {
    /// Runs what comes over the channel; `false` when the client has gone before it said so.
    fileprivate static func runRequested(in context: ChildContext) throws -> Bool {
        try ChildRequest.run(Self.self, in: context)
    }
}
