import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import ResourceTracker
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A pipe that tells children that nobody is left who wants them: see `ForkedChild`.
///
/// It outlives a server that dies, whose children go on.
final class Sentinel: Sendable {
    let pipe: Pipe

    init() throws(Errno) {
        pipe = try Pipe()
    }

    var ends: [FileDescriptor] { [pipe.readEnd.descriptor, pipe.writeEnd.descriptor] }
}

/// A server's process, from its start to its end, as its client holds it.
final class RunningServer: Sendable {
    let process: ProcessID
    let control: Connection
    /// Whether it was started here: then it is this process's child, and to be reaped.
    private let isOwn: Bool
    private let gracePeriod: Duration
    // Kept open for as long as the server is used.
    private let sentinel: Sentinel
    private let addressOptions: ForkServer.AddressOptions?
    private let listening = Lock<Address?>(nil)
    /// Whose turn it is to send a request, and so to touch `isRetired`.
    private let sending = DeadlineLock()
    // Sound: touched only by the thread that has `sending`.
    nonisolated(unsafe) private var isRetired = false
    #if os(Linux)
        /// Opened while it surely was the server's: it is this process's child, or its parent.
        private let descriptor: ProcessDescriptor
    #endif

    /// Starts a server, and waits until it is ready to fork.
    ///
    /// - Parameter predecessor: The one that it takes over from.
    init(
        options: ForkServer.Options, tracker: ResourceTracker, sentinel: Sentinel, after predecessor: RunningServer?,
        until deadline: Deadline
    ) throws(ForkServerError) {
        guard options.executable != nil || ProcessRole.isBootstrapped else { throw .notBootstrapped }
        let takesOver = predecessor?.addressOptions?.path.map { $0 == options.address?.path } ?? false
        let hello = try Self.hello(options, takesOver: takesOver)
        let surroundings = try options.surroundings()
        isOwn = true
        gracePeriod = options.gracePeriod
        addressOptions = options.address
        self.sentinel = sentinel
        let commands: OwnedFileDescriptor
        do throws(ResourceTrackerError) { commands = try tracker.commandDescriptor() } catch { throw .tracker(error) }
        do throws(Errno) {
            let pair = try SocketPair()
            process = try ServerProcess.role.start(
                executable: options.executable, descriptors: [pair.second.descriptor, commands.descriptor],
                settings: options.isTunedForForking ? Self.forkingSettings(options) : [:],
                surroundings: surroundings)
            control = Connection(pair.first)
        } catch {
            throw .system(error)
        }
        #if os(Linux)
            do throws(Errno) { descriptor = try ProcessDescriptor(ofChild: process) } catch { throw .system(error) }
        #endif
        do throws(ForkServerError) {
            try greet(hello, until: deadline, orWithin: options.startTimeout)
        } catch {
            // Whatever it is that was started, it is no server.
            try? process.send(.kill)
            _ = try? process.wait()
            throw error
        }
    }

    /// Makes this process, which a server has forked, one of its clients.
    init(
        introducedOn registration: FileDescriptor, sentinel: Sentinel, gracePeriod: Duration
    ) throws(ForkServerError) {
        let pair: SocketPair
        do throws(Errno) { pair = try SocketPair() } catch { throw .system(error) }
        process = .parent
        isOwn = false
        addressOptions = nil
        self.gracePeriod = gracePeriod
        self.sentinel = sentinel
        let theirs = pair.second
        control = Connection(pair.first)
        #if os(Linux)
            do throws(Errno) { descriptor = try ProcessDescriptor(of: .parent) } catch { throw .system(error) }
        #endif
        try Introductions.send(
            Introduction(client: .current, gracePeriodMilliseconds: Int(gracePeriod.roundedUpMilliseconds)),
            passing: [theirs.descriptor] + sentinel.ends, on: registration)
    }

    private static func hello(
        _ options: ForkServer.Options, takesOver: Bool
    ) throws(ForkServerError) -> Hello {
        var preloads: [PackedValue] = []
        for preload in options.preloads {
            let outgoing = OutgoingDescriptors()
            preloads.append(try PackedValue(preload, outgoing: outgoing))
            guard outgoing.descriptors.isEmpty else { throw .notEncodable("a preload cannot carry descriptors") }
        }
        return Hello(
            build: options.executable == nil ? BuildIdentity.current : nil, client: .current,
            resourceLimits: options.resourceLimits.map { LimitChange(resource: $0.key, limit: $0.value) },
            preloads: preloads,
            preloadFailure: options.preloadFailure, spares: options.spares, backend: options.backend,
            gracePeriodMilliseconds: Int(options.gracePeriod.roundedUpMilliseconds),
            address: try options.address.map { options throws(ForkServerError) in
                try AddressSetup(options, takesOver: takesOver)
            })
    }

    private func greet(
        _ hello: Hello, until deadline: Deadline, orWithin startTimeout: Duration
    ) throws(ForkServerError) {
        do throws(ForkServerError) {
            let last = min(deadline, .after(startTimeout))
            let passed = sentinel.ends + [addressOptions?.alive?.descriptor].compactMap { $0 }
            try control.send(message: hello, passing: passed, until: last)
            // What calls bootstrap() first answers at once; its preloads may take their time.
            guard case .begun = try receiveGreeting(until: min(last, .after(Self.firstAnswerTimeout))) else {
                throw .startFailed("its first message is not understood")
            }
            let greeting: Greeting
            do throws(ForkServerError) {
                greeting = try receiveGreeting(until: last)
            } catch .connection(.timedOut) {
                throw deadline.hasPassed ? .timedOut : .startFailed("its preloads took longer than \(startTimeout)")
            }
            switch greeting {
            case .begun: throw .startFailed("it began twice")
            case .ready(let failedPreloads, let address):
                for line in failedPreloads { standardErrorLine(line) }
                listening.withLock { $0 = address.flatMap { try? Address(parsing: $0) } }
            case .differentBuild: throw .differentBuild
            case .typeUnknown(let type): throw .typeUnknown(type)
            case .preloadFailed(let preload, let reason): throw .preloadFailed(preload, reason: reason)
            case .notSingleThreaded(let threads, let culprit):
                throw .notSingleThreaded(threads: threads, culprit: culprit)
            case .failed(let reason): throw .startFailed(reason)
            }
        } catch .connection(.timedOut) {
            if deadline.hasPassed { throw .timedOut }
            throw .startFailed("it did not answer in time: does its main call ForkServer.bootstrap() first?")
        } catch .connection(let error) {
            throw .startFailed("it ended at once (\(error)): does its main call ForkServer.bootstrap() first?")
        }
    }

    /// How long it may take to say that it has begun.
    private static let firstAnswerTimeout = Duration.seconds(15)

    private func receiveGreeting(until deadline: Deadline) throws(ForkServerError) -> Greeting {
        let message: [UInt8]
        do throws(FramingError) { message = try control.receive(until: deadline) } catch { throw .connection(error) }
        guard let greeting = try? BinaryDecoder().decode(Greeting.self, from: message) else {
            throw .startFailed("what it says is not understood")
        }
        return greeting
    }

    /// Whether it is known to have ended. Its socket may be open for a moment longer, in a child that was just being forked.
    var hasEnded: Bool {
        #if os(Linux)
            (try? descriptor.waitForEnd(until: .now)) == true
        #else
            false
        #endif
    }

    /// Where it listens, if it does.
    var address: Address? { listening.withLock { $0 } }

    // MARK: Requests

    /// Sends a request.
    ///
    /// - Returns: Whether it was sent; not to a server that was retired.
    func send(
        _ request: ServerRequest, passing descriptors: [FileDescriptor], until deadline: Deadline
    ) throws(ForkServerError) -> Bool {
        guard sending.lock(until: deadline) else { throw .timedOut }
        defer { sending.unlock() }
        if !isRetired { try control.send(request, passing: descriptors, until: deadline) }
        return !isRetired
    }

    /// Has a child end that could not be taken in.
    func abandon(_ child: ProcessID) {
        // A server that is gone takes it along, or its sentinel does.
        try? control.send(.abandon(child), until: .after(.seconds(1)))
    }

    // MARK: The end

    /// Has the server end with the children that it has.
    func retire() {
        // One that cannot be told is gone, or as good as that. What was sent before it serves, and it gets nothing afterwards.
        let deadline = Deadline.after(.seconds(1))
        guard sending.lock(until: deadline) else { return }
        defer { sending.unlock() }
        isRetired = true
        closeAddressInAnyCase(until: deadline)
        try? control.send(.retire, until: deadline)
    }

    /// Waits until a server that was retired has ended by itself, and reaps it.
    func reap() {
        if isOwn { _ = try? process.wait() }
        control.close()
        removeFreshAddress()
    }

    /// Has the server end, and waits until it has. Its children are killed first.
    ///
    /// A server that does not (it was stopped, or a preload's exit handler hangs) is killed some time after its children's
    /// grace period. One that was not started here goes on: its other clients want it.
    func disconnectAndReap() {
        closeAddressInAnyCase(until: .now)
        control.close()
        guard isOwn else { return }
        #if os(Linux)
            if (try? descriptor.waitForEnd(until: .after(gracePeriod + .seconds(5)))) == false {
                try? process.send(.kill)
            }
        #endif
        _ = try? process.wait()
        removeFreshAddress()
    }

    /// Else it would go on for those who have its alive pipe.
    private func closeAddressInAnyCase(until deadline: Deadline) {
        if addressOptions?.alive != nil { try? control.send(.shutDown, until: deadline) }
    }

    /// Removes what a server that was killed has left of an address of its own. (One at a path is replaced by the next.)
    private func removeFreshAddress() {
        guard let addressOptions, addressOptions.path == nil, case .unix(let path) = address else { return }
        unlink(path)
        if let end = path.lastIndex(of: "/") { rmdir(String(path[..<end])) }
    }

    #if os(Linux)
        /// Lazy binding would be done again in every child, and a heap in small pages makes fork copy more page tables.
        private static func forkingSettings(_ options: ForkServer.Options) -> [String: String] {
            let tunable = "glibc.malloc.hugetlb=1"
            let former = options.environment["GLIBC_TUNABLES"] ?? Environment["GLIBC_TUNABLES"]
            let others = former.map { $0 + ":" } ?? ""
            return ["LD_BIND_NOW": "1", "GLIBC_TUNABLES": others + tunable]
        }
    #else
        private static func forkingSettings(_ options: ForkServer.Options) -> [String: String] { [:] }
    #endif
}
