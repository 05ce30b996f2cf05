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

/// The fork server itself: one thread that reads requests, forks, and tells how children ended.
///
/// Nothing on this path may touch Dispatch, Swift Concurrency or Foundation: a forked child has only the thread that
/// forked, and whatever another one had locked stays locked.
final class ServerProcess {
    static let role = ProcessRole(name: "fork server") { run() }

    private let reactor: Reactor
    /// Signals that the server ignores, as they were before: children get them back.
    private let dispositions: [SignalDisposition]
    /// The limit of open files as it was: children get it back. The server itself needs two for each child that lives.
    private let openFilesLimit: ResourceLimit
    /// What every child keeps: the standard streams, the tracker's, and what preloads opened.
    private let keptDescriptors: [FileDescriptor]
    private var clients: [ServerClient] = []
    /// Requests that were read and not served. Forking happens in the main loop, where nothing is half done.
    private var requests: [(client: ServerClient, request: ReceivedRequest)] = []

    /// Those that children have run, by name.
    private var programTypes: [String: any ChildProgram.Type] = [:]

    private static let control = FileDescriptor(rawValue: ProcessRole.firstDescriptor)
    private static let tracker = FileDescriptor(rawValue: ProcessRole.firstDescriptor + 1)

    private init(
        reactor: Reactor, dispositions: [SignalDisposition], openFilesLimit: ResourceLimit,
        keptDescriptors: [FileDescriptor]
    ) {
        self.reactor = reactor
        self.dispositions = dispositions
        self.openFilesLimit = openFilesLimit
        self.keptDescriptors = keptDescriptors
    }

    // MARK: Start

    private static func run() -> Never {
        let control = Connection(
            OwnedFileDescriptor(owning: control.rawValue), descriptorLimit: ServerClient.descriptorLimit)
        ResourceTracker.shared.inherit(OwnedFileDescriptor(owning: tracker.rawValue))
        do {
            let (server, greeting) = try prepare(control)
            try control.send(message: greeting)
            try server?.serve()
        } catch {
            // The client is gone, or cannot be told in any other way.
            standardErrorLine("fork server: \(error)")
            exit(1)
        }
        exit(0)
    }

    private static func prepare(_ control: Connection) throws -> (ServerProcess?, Greeting) {
        var dispositions: [SignalDisposition] = []
        for signal in [Signal.interrupt, .brokenPipe] {
            dispositions.append(try signal.disposition())
            try signal.ignore()
        }
        let hello = try BinaryDecoder().decode(Hello.self, from: try control.receive())
        var sentinel = try control.receiveDescriptors(2)
        guard hello.build == nil || hello.build == BuildIdentity.current else { return (nil, .differentBuild) }
        try Rehearsal.perform()
        if let refusal = try loadAll(hello.preloads) { return (nil, refusal) }

        // Whatever is open now beyond what the server itself uses, a preload has opened: children have it too.
        let own = try [3] + sentinel.remaining.map(\.rawValue) + [control.withDescriptor { $0.rawValue }]
        let kept = try openDescriptors().filter { !own.contains($0.rawValue) }

        let backend = hello.backend.flatMap { ReactorBackends.named($0) }
        if let name = hello.backend, backend == nil {
            let known = ReactorBackends.all.map { $0.name }.joined(separator: ", ")
            return (nil, .failed("there is no reactor backend “\(name)” here: \(known)"))
        }
        let openFilesLimit = try ResourceLimit.current(.openFiles)
        try ResourceLimit.raiseOpenFiles()
        let server = ServerProcess(
            reactor: try Reactor(backend: backend), dispositions: dispositions, openFilesLimit: openFilesLimit,
            keptDescriptors: kept)
        try server.add(
            ServerClient(
                process: hello.client, connection: control,
                sentinel: Pipe(readEnd: sentinel.take(at: 0)!, writeEnd: sentinel.take(at: 1)!),
                gracePeriod: .milliseconds(hello.gracePeriodMilliseconds)))
        return (server, .ready)
    }

    /// Runs the preloads in order; what is wrong with one, or `nil`.
    private static func loadAll(_ preloads: [PackedValue]) throws -> Greeting? {
        if let refusal = try threadCheck(after: "its start") { return refusal }
        for packed in preloads {
            guard let type = TypeName.type(named: packed.typeName) as? any Preload.Type else {
                return .typeUnknown(packed.typeName)
            }
            let name = String(describing: type)
            do {
                try BinaryDecoder().decode(type, from: packed.payload).load()
            } catch {
                return .preloadFailed(name, reason: "\(error)")
            }
            if let refusal = try threadCheck(after: "the preload \(name)") { return refusal }
        }
        return nil
    }

    private static func threadCheck(after culprit: String) throws(Errno) -> Greeting? {
        guard let threads = try extraThreads() else { return nil }
        return .notSingleThreaded(threads: threads, culprit: culprit)
    }

    /// The names of all threads when there is more than one.
    private static func extraThreads() throws(Errno) -> [String]? {
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

    // MARK: Serving

    /// Serves until the last client and its children are gone.
    private func serve() throws(Errno) {
        while !clients.isEmpty {
            // One fork a round, so that the ends of children are told in between.
            if !requests.isEmpty {
                let (client, request) = requests.removeFirst()
                fork(request, for: client)
            }
            try reactor.runOnce(timeout: requests.isEmpty ? nil : .zero)
        }
    }

    private func add(_ client: ServerClient) throws {
        clients.append(client)
        try client.connection.withDescriptor { descriptor throws(FramingError) in
            try framing { () throws(Errno) in
                try reactor.addReader(descriptor) { [unowned self] _ in read(client, descriptor) }
            }
        }
    }

    private func read(_ client: ServerClient, _ descriptor: FileDescriptor) {
        do throws(FramingError) {
            try client.connection.receiveAvailable { bytes throws(FramingError) in
                guard let message = try? BinaryDecoder().decode(SpawnRequest.self, from: bytes),
                    (0..<ServerClient.descriptorLimit).contains(message.descriptorCount)
                else {
                    // A request that makes no sense costs its sender this connection, and nobody else anything.
                    standardErrorLine("fork server: a message from process \(client.process) is not understood")
                    throw .closed
                }
                var descriptors = try client.connection.receiveDescriptors(message.descriptorCount + 1)
                let status = descriptors.take(at: message.descriptorCount)!
                requests.append(
                    (client, ReceivedRequest(program: message.program, descriptors: descriptors, status: status)))
            }
        } catch {
            reactor.removeReader(descriptor)
            clientEnded(client)
        }
    }

    private func fork(_ request: ReceivedRequest, for client: ServerClient) {
        let status = request.statusConnection
        guard let type = programType(request.program.typeName) else {
            try? status.send(message: ChildStatus.typeUnknown, until: .now)
            return
        }
        do throws(Errno) {
            if let threads = try Self.extraThreads() {
                try? status.send(message: ChildStatus.notSingleThreaded(threads: threads), until: .now)
                return
            }
            flushStandardStreams()
            switch try forkProcess() {
            case .child:
                ForkedChild(
                    type: type, request: request, client: client, keptDescriptors: keptDescriptors,
                    dispositions: dispositions, openFilesLimit: openFilesLimit
                ).run()
            case .parent(let child):
                // Closed before the client hears of the child: from then on their other ends tell of the child's death.
                _ = request.takeDescriptors()
                do throws(Errno) {
                    try client.watch(child, status: status, in: reactor) { [unowned self] in removeIfDone(client) }
                } catch {
                    // Nobody could tell of its end, so it is not to be.
                    try? child.send(.kill)
                    _ = try? child.wait()
                    throw error
                }
            }
        } catch {
            try? status.send(message: ChildStatus.forkFailed(error.rawValue), until: .now)
        }
    }

    /// The type of a program.
    ///
    /// Looked up here and not in the child: it is slow the first time, and what the runtime learns from it every later
    /// child has in memory.
    private func programType(_ name: String) -> (any ChildProgram.Type)? {
        if let known = programTypes[name] { return known }
        guard let type = TypeName.type(named: name) as? any ChildProgram.Type else { return nil }
        type.prepareDecoding()
        programTypes[name] = type
        return type
    }

    // MARK: The end

    private func clientEnded(_ client: ServerClient) {
        requests.removeAll { $0.client === client }
        client.killChildren(in: reactor)
        removeIfDone(client)
    }

    private func removeIfDone(_ client: ServerClient) {
        if client.hasEnded, !client.hasChildren { clients.removeAll { $0 === client } }
    }
}

/// A request as it was read, with its descriptors.
final class ReceivedRequest {
    let program: PackedValue
    let statusConnection: Connection
    private var descriptors: DescriptorBatch

    init(
        program: PackedValue, descriptors: consuming DescriptorBatch, status: consuming OwnedFileDescriptor
    ) {
        self.program = program
        self.descriptors = descriptors
        statusConnection = Connection(status, readable: false)
    }

    var programDescriptors: [FileDescriptor] { descriptors.remaining }

    func takeDescriptors() -> DescriptorBatch {
        var taken = DescriptorBatch()
        swap(&taken, &descriptors)
        return taken
    }
}
