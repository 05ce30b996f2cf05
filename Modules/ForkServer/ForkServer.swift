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

    private let tracker: ResourceTracker
    fileprivate let state: Lock<State>
    /// Had by the thread that starts a server.
    private let starting = DeadlineLock()

    fileprivate struct State: ~Copyable {
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

    // MARK: Spawning

    /// Forks a child that runs a program. Returns when it has started.
    ///
    /// - Parameters:
    ///   - program: Travels to the child; descriptors in it are duplicated there and stay the caller's here.
    ///   - options: How the child differs from the server.
    ///   - deadline: When to give up waiting. The child may start all the same.
    /// - Throws: `ForkServerError`. After `.serverDied` the child may have started; nothing is tried twice.
    @available(*, noasync, message: "use the async spawn")
    public func spawn(
        _ program: some ChildProgram, options: ChildOptions = ChildOptions(), until deadline: Deadline = .never
    ) throws(ForkServerError) -> ChildProcess {
        try spawnBlocking(program, options: options, until: deadline)
    }

    /// Forks a child that runs a program, without blocking a thread of the caller's. Returns when it has started.
    ///
    /// Parameters and errors are those of the blocking one.
    public func spawn(
        _ program: some ChildProgram, options: ChildOptions = ChildOptions(), until deadline: Deadline = .never
    ) async throws(ForkServerError) -> ChildProcess {
        try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
            try self.spawnBlocking(program, options: options, until: deadline)
        }
    }

    /// Forks a child that runs one of the functions that were given to `bootstrap`. Returns when it has started.
    ///
    /// - Parameters:
    ///   - name: The function's. One that `bootstrap` does not know is an error of the child: a line on standard error, and
    ///     exit code 1.
    ///   - arguments: What the function gets.
    ///   - options: How the child differs from the server.
    ///   - deadline: When to give up waiting.
    @available(*, noasync, message: "use the async spawn")
    public func spawn(
        entryPoint name: String, arguments: [String] = [], options: ChildOptions = ChildOptions(),
        until deadline: Deadline = .never
    ) throws(ForkServerError) -> ChildProcess {
        try spawnBlocking(EntryPoint(name: name, arguments: arguments), options: options, until: deadline)
    }

    /// Forks a child that runs one of the functions that were given to `bootstrap`, without blocking a thread of the caller's.
    public func spawn(
        entryPoint name: String, arguments: [String] = [], options: ChildOptions = ChildOptions(),
        until deadline: Deadline = .never
    ) async throws(ForkServerError) -> ChildProcess {
        try await spawn(EntryPoint(name: name, arguments: arguments), options: options, until: deadline)
    }

    package func spawnBlocking(
        _ program: some ChildProgram, options: ChildOptions = ChildOptions(), until deadline: Deadline
    ) throws(ForkServerError) -> ChildProcess {
        let typeName = try TypeName.name(of: type(of: program))
        let outgoing = OutgoingDescriptors()
        var streams: StandardStreamEnds
        do throws(Errno) { streams = try StandardStreamEnds(options) } catch { throw .system(error) }
        let request = try ChildRequest.encode(
            program, options.setup(streams: streams.takeChildEnds()), outgoing: outgoing)
        let sockets: ChildSockets
        do throws(Errno) { sockets = try ChildSockets() } catch { throw .system(error) }
        let channel = sockets.channel
        let status = sockets.status
        let passed = outgoing.descriptors
        // What the socket takes of it is there before the child is.
        var progress = SendProgress()
        let isSent = try channel.sendRequest(request, passing: passed, &progress, until: .now)
        try sendRestarting(
            .spawn(typeName: typeName, isDetached: options.isDetached), passing: sockets.theirs, until: deadline)
        // Now only server and child have them: their ends are ours to see.
        sockets.closeTheirs()
        if !isSent {
            guard try channel.sendRequest(request, passing: passed, &progress, until: deadline) else { throw .timedOut }
        }
        return try withExtendedLifetime(outgoing) { () throws(ForkServerError) in
            try ChildProcess(
                running: String(reflecting: type(of: program)), channel: channel, status: status, streams: streams,
                until: deadline)
        }
    }

    // MARK: Statistics

    /// What the server knows of itself; `nil` when it does not run.
    @available(*, noasync, message: "use the async statistics()")
    public func statistics(until deadline: Deadline = .after(.seconds(10))) throws(ForkServerError) -> Statistics? {
        try statisticsBlocking(until: deadline)
    }

    /// What the server knows of itself, without blocking a thread of the caller's; `nil` when it does not run.
    public func statistics(
        until deadline: Deadline = .after(.seconds(10))
    ) async throws(ForkServerError) -> Statistics? {
        try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
            try self.statisticsBlocking(until: deadline)
        }
    }

    private func statisticsBlocking(until deadline: Deadline) throws(ForkServerError) -> Statistics? {
        guard let server = state.withLock({ $0.running }) else { return nil }
        let pair: SocketPair
        do throws(Errno) { pair = try SocketPair() } catch { throw .system(error) }
        let theirs = pair.second
        let reply = Connection(pair.first)
        try server.control.send(message: ServerRequest.statistics, passing: [theirs.descriptor], until: deadline)
        theirs.discard()
        let bytes: [UInt8]
        do throws(FramingError) {
            bytes = try reply.receive(limit: 65_536, until: deadline)
        } catch {
            throw error.isDisconnection ? .serverDied : error == .timedOut ? .timedOut : .connection(error)
        }
        return try? BinaryDecoder().decode(Statistics.self, from: bytes)
    }

    // MARK: The end, and new beginnings

    /// Starts a fresh server, which takes over: new preloads, a new build of a named executable. Children of the old one live
    /// on, and it ends with the last of them.
    ///
    /// - Parameter options: `nil` are those that there are.
    /// - Throws: Why the fresh one could not be started; the old one goes on then.
    @available(*, noasync, message: "use the async reload")
    public func reload(_ options: Options? = nil) throws(ForkServerError) {
        try reloadBlocking(options)
    }

    /// Starts a fresh server, which takes over, without blocking a thread of the caller's.
    public func reload(_ options: Options? = nil) async throws(ForkServerError) {
        try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
            try self.reloadBlocking(options)
        }
    }

    private func reloadBlocking(_ options: Options?) throws(ForkServerError) {
        _ = starting.lock(until: .never)
        defer { starting.unlock() }
        let former: Options = state.withLock { state in
            defer {
                state.options = options ?? state.options
                state.executable = nil
            }
            return state.options
        }
        let fresh: RunningServer
        do throws(ForkServerError) {
            fresh = try startServer(until: .never)
        } catch {
            state.withLock { $0.options = former }
            throw error
        }
        let old: RunningServer? = state.withLock { state in
            let old = state.running
            state.running = fresh
            if let old { state.retired.append(old) }
            return old
        }
        guard let old else { return }
        old.retire()
        try? onDetachedThread { [weak self] in
            old.reap()
            self?.state.withLock { $0.retired.removeAll { $0 === old } }
        }
    }

    /// Ends the server and the children it was asked for, and waits until it is gone.
    ///
    /// Later uses are `ForkServerError.shutDown`. Safe to call again.
    @available(*, noasync, message: "use the async shutDown()")
    public func shutDown() {
        shutDownBlocking()
    }

    /// Ends the server and the children it was asked for, and waits until it is gone, without blocking a thread of the caller's.
    public func shutDown() async {
        do {
            try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
                self.shutDownBlocking()
            }
        } catch {
            // Without a thread for it: better late than never.
            shutDownBlocking()
        }
    }

    private func shutDownBlocking() {
        state.withLock { state in
            state.isShutDown = true
            state.sentinel = nil
        }
        // One that is being started is ended by who starts it.
        _ = starting.lock(until: .never)
        starting.unlock()
        let servers = state.withLock { $0.takeServers() }
        for server in servers { server.disconnectAndReap() }
    }

    // MARK: The server's process

    /// Sends a request; a server found dead before it could read it is replaced once.
    private func sendRestarting(
        _ request: ServerRequest, passing descriptors: [FileDescriptor], until deadline: Deadline
    ) throws(ForkServerError) {
        if let running = try knownServer(), running.hasEnded { forget(running) }
        let server = try runningServer(until: deadline)
        do throws(ForkServerError) {
            try server.control.send(message: request, passing: descriptors, until: deadline)
        } catch {
            if case .connection(.partlySent) = error {
                // The server would take the next request for the rest of this one. Its end may take a while.
                try? onDetachedThread { self.forget(server) }
                throw .timedOut
            }
            if case .connection(.timedOut) = error { throw .timedOut }
            guard error.saysThatServerIsGone else { throw error }
            forget(server)
            try runningServer(until: deadline).control.send(message: request, passing: descriptors, until: deadline)
        }
    }

    private func runningServer(until deadline: Deadline) throws(ForkServerError) -> RunningServer {
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

    private func knownServer() throws(ForkServerError) -> RunningServer? {
        try state.withLock { state throws(ForkServerError) in
            if state.isShutDown { throw .shutDown }
            return state.running
        }
    }

    /// For the thread that has `starting`.
    private func startServer(until deadline: Deadline) throws(ForkServerError) -> RunningServer {
        let (options, sentinel) = try prepareStart()
        if self === ForkServer.shared, let registration = Self.registration.withLock({ $0 }) {
            return try RunningServer(introducedOn: registration, sentinel: sentinel, gracePeriod: options.gracePeriod)
        }
        return try RunningServer(options: options, tracker: tracker, sentinel: sentinel, until: deadline)
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

    private func forget(_ server: RunningServer) {
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
    fileprivate mutating func takeServers() -> [RunningServer] {
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

/// The sockets of a child: ours, and those that travel to the server.
private final class ChildSockets {
    let channel: Connection
    let status: Connection
    private var batch = DescriptorBatch()

    init() throws(Errno) {
        let channel = try SocketPair()
        let status = try SocketPair()
        self.channel = Connection(socket: channel.first, descriptorLimit: ChildContext.descriptorLimit)
        self.status = Connection(socket: status.first, writable: false, descriptorLimit: 1)
        batch.append(channel.second)
        batch.append(status.second)
    }

    var theirs: [FileDescriptor] { batch.remaining }

    func closeTheirs() { batch = DescriptorBatch() }
}

extension Connection {
    /// Sends a child's request, or the rest of one. Returns whether all of it has been sent.
    ///
    /// A child that is gone, or never came, is no error here: its status tells why.
    fileprivate func sendRequest(
        _ request: [UInt8], passing descriptors: [FileDescriptor], _ progress: inout SendProgress,
        until deadline: Deadline
    ) throws(ForkServerError) -> Bool {
        do throws(FramingError) {
            try send(request.span.bytes, passing: descriptors, progress: &progress, until: deadline)
            return true
        } catch {
            if error == .timedOut { return false }
            if error.isDisconnection { return true }
            throw .connection(error)
        }
    }
}
