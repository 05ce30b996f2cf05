import FDPassing
import Framing
import ProcessRoles
import Reactor
import ResourceTracker
import Syscalls

/// A clean, single-threaded process of this program's own executable, from which warmed-up children are forked.
///
/// The server starts with the first use, and again when it has died. It ends, and kills the children that were asked
/// for, when this object or the whole program is gone. As CPython's `multiprocessing.forkserver`, without an address that
/// anybody else could connect to. Safe to use from any thread.
public final class ForkServer: Sendable {
    /// How a server is started and behaves.
    public struct Options: Sendable {
        /// What is started as the server, for hosts that cannot call `bootstrap()`, such as test runners: an executable
        /// that does. `nil` is the one that runs here.
        public var executable: String?
        /// Done in the server before it forks, in this order.
        public var preloads: [any Preload] = []
        /// The backend of the server's reactor by name, such as `io_uring`; `nil` is the best, and so is one that the kernel
        /// does not offer. One of your own is added (`ReactorBackends.add`) before `bootstrap()`.
        public var backend: String?
        /// How long children have after SIGTERM, when this program is gone, until SIGKILL.
        public var gracePeriod: Duration = .seconds(1)
        /// How long the server may take to start, its preloads included.
        public var startTimeout: Duration = .seconds(60)
        /// Whether the server is exec'ed so that forking it is cheap: symbols bound at once, huge pages for the heap. The
        /// variables that say so are not seen by the server's code or its children.
        public var isTunedForForking = true
        /// The resource tracker that children share; `nil` is the program's, or with an `executable` one of the server's own.
        public var resourceTracker: ResourceTracker?

        public init() {}
    }

    /// The server of programs that need no options.
    public static let shared = ForkServer()

    private let options: Options
    private let tracker: ResourceTracker
    private let state = Lock(State())

    private struct State: ~Copyable {
        var running: RunningServer?
        /// One for all servers, one after the other. Open for as long as children are wanted.
        var sentinel: Sentinel?
        var isShutDown = false
    }

    /// A server that starts with the first use.
    public init(_ options: Options = Options()) {
        self.options = options
        tracker = options.resourceTracker ?? options.executable.map { ResourceTracker(executable: $0) } ?? .shared
    }

    deinit {
        // The server notices the closed connection; it is reaped so that it leaves no zombie.
        let running = state.withLock { $0.running.take() }
        running?.disconnectAndReap()
    }

    /// To be called as the first line of `main`, also of an `async` one.
    ///
    /// Returns at once, except in a process that was started as a server or resource tracker, where it never does.
    public static func bootstrap() {
        ProcessRole.bootstrap([ServerProcess.role] + ResourceTracker.roles)
    }

    // MARK: Use

    /// Starts the server if it does not run, which otherwise the first use does.
    @available(*, noasync, message: "blocks until the server has started: use a thread of your own")
    public func start() throws(ForkServerError) {
        _ = try runningServer()
    }

    /// The server's process, if it runs.
    public var processID: ProcessID? { state.withLock { $0.running?.process } }

    /// Forks a child that runs a program. Returns when it has started.
    ///
    /// - Parameters:
    ///   - program: Travels to the child; descriptors in it are duplicated there and stay the caller's here.
    ///   - deadline: When to give up waiting. The child may start all the same.
    /// - Throws: `ForkServerError`. After `.serverDied` the child may have started; nothing is tried twice.
    @available(*, noasync, message: "use the async spawn")
    public func spawn(
        _ program: some ChildProgram, until deadline: Deadline = .never
    ) throws(ForkServerError) -> ChildProcess {
        try spawnBlocking(program, until: deadline)
    }

    /// Forks a child that runs a program, without blocking a thread of the caller's. Returns when it has started.
    public func spawn(
        _ program: some ChildProgram, until deadline: Deadline = .never
    ) async throws(ForkServerError) -> ChildProcess {
        try await onThreadOfItsOwn { () throws(ForkServerError) in try self.spawnBlocking(program, until: deadline) }
    }

    package func spawnBlocking(
        _ program: some ChildProgram, until deadline: Deadline
    ) throws(ForkServerError) -> ChildProcess {
        let outgoing = OutgoingDescriptors()
        let packed = try PackedValue(program, outgoing: outgoing)
        let passed = outgoing.descriptors
        guard passed.count <= ServerClient.mostDescriptorsARequest else {
            throw .notEncodable(
                "it has \(passed.count) descriptors; \(ServerClient.mostDescriptorsARequest) can be passed")
        }
        let request = SpawnRequest(program: packed, descriptorCount: passed.count)
        let pair: SocketPair
        do throws(Errno) { pair = try SocketPair() } catch { throw .system(error) }
        let theirs = pair.second
        let status = Connection(pair.first, writable: false, descriptorLimit: 1)
        try sendRestarting(request, passing: passed + [theirs.descriptor], until: deadline)
        // Now only the server has it: its end is ours to see.
        theirs.discard()
        return try withExtendedLifetime(outgoing) { () throws(ForkServerError) in
            try ChildProcess(
                running: String(reflecting: type(of: program)), startedOn: status, until: deadline)
        }
    }

    /// Ends the server and the children it was asked for, and waits until it is gone.
    ///
    /// Later uses are `ForkServerError.shutDown`. Safe to call again.
    public func shutDown() {
        let running: RunningServer? = state.withLock { state in
            state.isShutDown = true
            state.sentinel = nil
            return state.running.take()
        }
        running?.disconnectAndReap()
    }

    // MARK: The server's process

    /// Sends a request; a server found dead before it could read it is replaced once.
    private func sendRestarting(
        _ request: SpawnRequest, passing descriptors: [FileDescriptor], until deadline: Deadline
    ) throws(ForkServerError) {
        let server = try runningServer()
        do throws(ForkServerError) {
            try server.control.send(message: request, passing: descriptors, until: deadline)
        } catch {
            if case .connection(.partlySent) = error {
                // The server would take the next request for the rest of this one. Its end may take a while.
                try? onDetachedThread { self.forget(server) }
                throw .timedOut
            }
            guard error.saysThatServerIsGone else { throw error }
            forget(server)
            try runningServer().control.send(message: request, passing: descriptors, until: deadline)
        }
    }

    private func runningServer() throws(ForkServerError) -> RunningServer {
        try state.withLock { state throws(ForkServerError) in
            if state.isShutDown { throw .shutDown }
            if let running = state.running { return running }
            if state.sentinel == nil {
                do throws(Errno) { state.sentinel = try Sentinel() } catch { throw .system(error) }
            }
            let running = try RunningServer(options: options, tracker: tracker, sentinel: state.sentinel!)
            state.running = running
            return running
        }
    }

    private func forget(_ server: RunningServer) {
        let isKnown = state.withLock { state in
            guard state.running === server else { return false }
            state.running = nil
            return true
        }
        if isKnown { server.disconnectAndReap() }
    }
}

extension ForkServerError {
    /// Whether a request did not reach the server, because there is none any more.
    fileprivate var saysThatServerIsGone: Bool {
        if case .connection(let error) = self { error.isDisconnection || error == .closed } else { false }
    }
}
