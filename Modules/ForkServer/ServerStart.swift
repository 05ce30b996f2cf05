import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Reactor
import ResourceTracker
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How the server's process comes up: greets its client, does the preloads, and checks that forking is safe.
enum ServerStart {
    private static let control = FileDescriptor(rawValue: ProcessRole.firstDescriptor)
    static let tracker = FileDescriptor(rawValue: ProcessRole.firstDescriptor + 1)

    /// The server, ready to serve; `nil` when the client was told why there is none.
    static func perform() throws -> ServerProcess? {
        let control = Connection(
            OwnedFileDescriptor(owning: control.rawValue), descriptorLimit: ServerClient.descriptorLimit)
        ResourceTracker.shared.inherit(OwnedFileDescriptor(owning: tracker.rawValue))
        let (server, greeting) = try prepare(control)
        try control.send(message: greeting)
        return server
    }

    private static func prepare(_ control: Connection) throws -> (ServerProcess?, Greeting) {
        var dispositions: [SignalDisposition] = []
        for signal in [Signal.interrupt, .brokenPipe] {
            dispositions.append(try signal.disposition())
            try signal.ignore()
        }
        let hello = try BinaryDecoder().decode(Hello.self, from: try control.receive())
        var sentinel = try control.receiveDescriptors(2)
        var alive = try control.receiveDescriptors(hello.address?.hasAlivePipe == true ? 1 : 0)
        guard hello.build == nil || hello.build == BuildIdentity.current else { return (nil, .differentBuild) }
        do throws(ChildSetupError) {
            for limit in hello.resourceLimits { try limit.apply() }
        } catch {
            return (nil, .failed("\(error)"))
        }
        try Rehearsal.perform()
        let (failed, refusal) = try loadAll(hello.preloads, hello.preloadFailure)
        if let refusal { return (nil, refusal) }

        // Whatever is open now beyond what the server itself uses, a preload has opened: children have it too.
        let passed = sentinel.remaining + alive.remaining
        let own = try [3] + passed.map(\.rawValue) + [control.withDescriptor { $0.rawValue }]
        let kept = try openDescriptors().filter { !own.contains($0.rawValue) }

        let backend = hello.backend.flatMap { ReactorBackends.named($0) }
        if let name = hello.backend, backend == nil {
            let known = ReactorBackends.all.map { $0.name }.joined(separator: ", ")
            return (nil, .failed("there is no reactor backend “\(name)” here: \(known)"))
        }
        let registration = try SocketPair(.datagram)
        // They are open for as long as the server, and one of them in every child.
        let theirs = FileDescriptor(rawValue: registration.second.take())
        let ours = FileDescriptor(rawValue: registration.first.take())
        ForkServer.serveChildren(registration: theirs)
        #if os(Linux)
            try keepExitHandlersFromChildren()
        #endif
        // Children have what the server has.
        let noSignals: SignalSet = []
        noSignals.setAsMask()
        let inheritance = ForkedChild.Inheritance(
            keptDescriptors: kept, dispositions: dispositions, openFilesLimit: try ResourceLimit.current(.openFiles),
            registration: theirs)
        // The server itself needs two descriptors for each child that lives.
        try ResourceLimit.raiseOpenFiles()
        let server = try ServerProcess(
            reactor: try Reactor(backend: backend), inheritance: inheritance, registration: ours,
            spares: Spares(hello.spares))
        try server.add(
            ServerClient(
                process: hello.client, connection: control,
                sentinel: Pipe(readEnd: sentinel.take(at: 0)!, writeEnd: sentinel.take(at: 1)!),
                gracePeriod: .milliseconds(hello.gracePeriodMilliseconds)))
        guard let address = hello.address else { return (server, .ready(failedPreloads: failed, address: nil)) }
        do {
            let place = try server.open(address, alive: alive.takeNext())
            return (server, .ready(failedPreloads: failed, address: "\(place)"))
        } catch ForkServerError.typeUnknown(let name) {
            return (nil, .typeUnknown(name))
        } catch {
            return (nil, .failed("it cannot listen at \(address.path ?? "a fresh address"): \(error)"))
        }
    }

    /// Runs the preloads in order: what is wrong with those that may fail, and with the one that may not.
    private static func loadAll(
        _ preloads: [PackedValue], _ policy: ForkServer.PreloadFailurePolicy
    ) throws -> ([String], Greeting?) {
        if let refusal = try threadCheck(after: "its start") { return ([], refusal) }
        var failed: [String] = []
        for packed in preloads {
            guard let type = TypeName.type(named: packed.typeName) as? any Preload.Type else {
                return (failed, .typeUnknown(packed.typeName))
            }
            let name = String(describing: type)
            do {
                try BinaryDecoder().decode(type, from: packed.payload).load()
            } catch {
                guard policy != .fail else { return (failed, .preloadFailed(name, reason: "\(error)")) }
                failed.append("the preload \(name) failed in the fork server: \(error)")
            }
            // What it printed is printed once, and not again by each child whose copy of the buffer is written out.
            flushStandardStreams()
            if let refusal = try threadCheck(after: "the preload \(name)") { return (failed, refusal) }
        }
        return (policy == .warn ? failed : [], nil)
    }

    private static func threadCheck(after culprit: String) throws(Errno) -> Greeting? {
        guard let threads = try extraThreads() else { return nil }
        return .notSingleThreaded(threads: threads, culprit: culprit)
    }

    /// The names of all threads when there is more than one.
    static func extraThreads() throws(Errno) -> [String]? {
        #if os(Linux)
            return try ProcessID.current.threadCount() == 1 ? nil : ProcessID.current.threadNames()
        #else
            // Darwin does not tell this without Mach calls.
            return nil
        #endif
    }

    private static func openDescriptors() throws(Errno) -> [FileDescriptor] {
        #if os(Linux)
            try FileDescriptor.allOpen()
        #else
            (0..<getdtablesize()).map { FileDescriptor(rawValue: $0) }.filter(\.isOpen)
        #endif
    }
}
