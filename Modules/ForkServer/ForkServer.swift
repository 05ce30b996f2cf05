import AsyncFraming
import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import ResourceTracker
import Syscalls

/// A clean, single-threaded process of this program's own executable, from which warmed-up children are forked.
///
/// The server starts with the first use, and again when it has died. It ends, and kills the children that were asked
/// for, when this object or the whole program is gone. As CPython's `multiprocessing.forkserver`, without an address that
/// anybody else could connect to. Safe to use from any thread.
public final class ForkServer: Sendable {
    /// The server of programs that need no options. In a child of a fork server it is the one that forked it.
    public static let shared = ForkServer()

    let tracker: ResourceTracker
    let state: Lock<State>
    /// Had by the thread that starts a server.
    let starting = DeadlineLock()

    struct State: ~Copyable {
        var options: Options
        var running: RunningServer?
        /// Those that others have taken over from, which end with their last child.
        var retired: [RunningServer] = []
        /// One for all servers, one after the other. Open for as long as children are wanted.
        var sentinel: Sentinel?
        /// Which file the executable was when it was started first.
        var executable: BuildIdentity?
        var isShutDown = false
    }

    /// A server that starts with the first use.
    public init(_ options: Options = Options()) {
        state = Lock(State(options: options))
        tracker = options.resourceTracker ?? options.executable.map { ResourceTracker(executable: $0) } ?? .shared
    }

    deinit {
        // The servers notice the closed connection; they are reaped so that they leave no zombie.
        let servers = state.withLock { $0.takeServers() }
        guard !servers.isEmpty else { return }
        do throws(Errno) {
            try onDetachedThread { for server in servers { server.disconnectAndReap() } }
        } catch {
            for server in servers { server.disconnectAndReap() }
        }
    }

    /// To be called as the first line of `main`, also of an `async` one.
    ///
    /// Returns at once, except in a process that was started as a server or resource tracker, where it never does.
    ///
    /// - Parameter entryPoints: Functions that `spawn(entryPoint:arguments:)` names, for programs that would rather not make
    ///   a type of each.
    public static func bootstrap(
        entryPoints: [String: @Sendable (ChildContext, [String]) throws -> Void] = [:]
    ) {
        EntryPoint.register(entryPoints)
        ProcessRole.bootstrap([ServerProcess.role] + ResourceTracker.roles)
    }

    /// Whether its children are this executable, and have the types that this process has.
    package var runsThisExecutable: Bool { state.withLock { $0.options.executable == nil } }

    // MARK: Start

    /// Starts the server if it does not run, which otherwise the first use does.
    ///
    /// - Throws: Why it could not, such as `ForkServerError.preloadFailed`.
    @available(*, noasync, message: "use the async start()")
    public func start() throws(ForkServerError) {
        try startBlocking()
    }

    /// Starts the server if it does not run, without blocking a thread of the caller's.
    public func start() async throws(ForkServerError) {
        try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
            try self.startBlocking()
        }
    }

    private func startBlocking() throws(ForkServerError) {
        if let running = try knownServer(), running.hasEnded { forget(running) }
        _ = try runningServer(until: .never)
    }

    /// The server's process, if it runs.
    public var processID: ProcessID? { state.withLock { $0.running?.process } }

    /// Where the server listens, if it runs and `Options.address` asks for that.
    public var address: Address? { state.withLock { $0.running?.address } }

    // MARK: The server's process

    /// Sends a request; a server found dead before it could read it is replaced once.
    ///
    /// - Returns: The server that has it.
    func sendRestarting(
        _ request: ServerRequest, passing descriptors: [FileDescriptor], until deadline: Deadline
    ) throws(ForkServerError) -> RunningServer {
        if let running = try knownServer(), running.hasEnded { forget(running) }
        var mayRestart = true
        while true {
            let server = try runningServer(until: deadline)
            do throws(ForkServerError) {
                // Another may have taken over meanwhile.
                if try server.send(request, passing: descriptors, until: deadline) { return server }
            } catch {
                if case .connection(.partlySent) = error {
                    // The server would take the next request for the rest of this one. Its end may take a while.
                    try? onDetachedThread { self.forget(server) }
                    throw .timedOut
                }
                if case .connection(.timedOut) = error { throw .timedOut }
                guard mayRestart, error.saysThatServerIsGone else { throw error }
                mayRestart = false
                forget(server)
            }
        }
    }

    func runningServer(until deadline: Deadline) throws(ForkServerError) -> RunningServer {
        if let running = try knownServer() { return running }
        guard starting.lock(until: deadline) else { throw .timedOut }
        defer { starting.unlock() }
        if let running = try knownServer() { return running }
        let running = try startServer(until: deadline)
        let isWanted = state.withLock { state in
            if !state.isShutDown { state.running = running }
            return !state.isShutDown
        }
        guard isWanted else {
            running.disconnectAndReap()
            throw .shutDown
        }
        return running
    }

    func knownServer() throws(ForkServerError) -> RunningServer? {
        try state.withLock { state throws(ForkServerError) in
            if state.isShutDown { throw .shutDown }
            return state.running
        }
    }

    /// For the thread that has `starting`.
    ///
    /// - Parameter predecessor: The server that it is to take over from.
    func startServer(
        after predecessor: RunningServer? = nil, until deadline: Deadline
    ) throws(ForkServerError) -> RunningServer {
        let (options, sentinel) = try prepareStart()
        if self === ForkServer.shared, let registration = Self.registration.withLock({ $0 }) {
            return try RunningServer(introducedOn: registration, sentinel: sentinel, gracePeriod: options.gracePeriod)
        }
        return try RunningServer(
            options: options, tracker: tracker, sentinel: sentinel, after: predecessor, until: deadline)
    }

    private func prepareStart() throws(ForkServerError) -> (Options, Sentinel) {
        try state.withLock { state throws(ForkServerError) in
            if state.isShutDown { throw .shutDown }
            if let path = state.options.executable, let found = BuildIdentity(ofFileAt: path) {
                guard state.executable == nil || state.executable == found else { throw .executableReplaced(path) }
                state.executable = found
            }
            if let sentinel = state.sentinel { return (state.options, sentinel) }
            do throws(Errno) {
                let sentinel = try Sentinel()
                state.sentinel = sentinel
                return (state.options, sentinel)
            } catch {
                throw .system(error)
            }
        }
    }

    func forget(_ server: RunningServer) {
        let isKnown = state.withLock { state in
            guard state.running === server else { return false }
            state.running = nil
            return true
        }
        if isKnown { server.disconnectAndReap() }
    }

    // MARK: In a child

    /// In a server's children: where they introduce themselves to it.
    private static let registration = Lock<FileDescriptor?>(nil)

    /// Says where, in the server; `nil` in a child that shall not.
    static func serveChildren(registration: FileDescriptor?) {
        Self.registration.withLock { $0 = registration }
    }
}

extension ForkServer.State {
    /// Gives up all servers, for their end.
    mutating func takeServers() -> [RunningServer] {
        defer {
            running = nil
            retired = []
        }
        return retired + [running].compactMap { $0 }
    }
}

extension ForkServerError {
    /// Whether a request did not reach the server, because there is none any more.
    fileprivate var saysThatServerIsGone: Bool {
        if case .connection(let error) = self { error.isDisconnection || error == .closed } else { false }
    }
}
