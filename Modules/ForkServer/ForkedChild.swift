import BinaryCoding
import FDPassing
import ProcessRoles
import Syscalls

/// What a child does from the fork on.
///
/// It never returns into the server's loop, and the server's objects never go away in it: their descriptors are closed
/// here, all at once, and must not be closed again under numbers that are others' by then.
struct ForkedChild {
    let type: any ChildProgram.Type
    let request: ReceivedRequest
    let client: ServerClient
    let keptDescriptors: [FileDescriptor]
    let dispositions: [SignalDisposition]
    let openFilesLimit: ResourceLimit

    func run() -> Never {
        let passed = request.programDescriptors
        let sentinel = client.sentinel.readEnd.descriptor
        closeDescriptors(from: 3, except: keptDescriptors + passed + [sentinel])
        for disposition in dispositions { try? disposition.restore() }
        try? openFilesLimit.apply(to: .openFiles)
        let none: SignalSet = []
        none.setAsMask()
        setThreadName("forked child")

        let context = ChildContext(clientProcess: client.process)
        do {
            try watchSentinel(sentinel)
            try type.run(request, in: context)
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
    private func watchSentinel(_ sentinel: FileDescriptor) throws(Errno) {
        #if os(Linux)
            // The signal belongs to an open file, and the one that was inherited is shared with every other child.
            let own = try OwnedFileDescriptor.open("/proc/self/fd/\(sentinel.rawValue)", [.readOnly, .nonBlocking])
            let descriptor = own.descriptor
            try descriptor.signalOnChange(.kill)
            if try descriptor.wait(for: [], until: .now).contains(.hangUp) { exitImmediately(1) }
            // Open for as long as the process lives.
            _ = own.take()
            closeDescriptors(from: sentinel.rawValue, through: sentinel.rawValue)
        #endif
    }
}

extension ChildProgram {
    /// Decodes the program that was asked for, with its descriptors, and runs it.
    static func run(_ request: ReceivedRequest, in context: ChildContext) throws {
        let incoming = IncomingDescriptors(request.takeDescriptors())
        let program = try BinaryDecoder(userInfo: [.incomingDescriptors: incoming])
            .decode(Self.self, from: request.program.payload)
        try program.run(in: context)
    }
}
