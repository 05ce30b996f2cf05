import Auth
import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Reactor
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The server's address: who has connected there, what they ask for, and the children that they got.
///
/// Nobody is waited for. A client that has not sent its request yet costs a place among a limited number, and that only for
/// some time.
final class ServerAddress {
    let program: any ForeignChildProgram
    private let reactor: Reactor
    private let listener: Listener
    private let key: AuthenticationKey?
    private let policy: AuthenticationPolicy
    private let requestTimeout: Duration
    private let callerLimit: Int
    /// For a request, which brings up to 253.
    private let reserve: DescriptorReserve
    /// Open for as long as the server.
    private let alive: FileDescriptor?

    /// Those who have not sent their request yet, in the order in which they came.
    private var callers: [Caller] = []
    private var callerTimer: TimerID?
    /// The one whose request, if it has come, is to be served now. It stays in the socket until then: none is there beside it, and
    /// the server's clients do not lack what it brings.
    private var next: Caller?
    private var children: [ProcessID: ServerChild] = [:]
    /// Whether the descriptors, or the kernel's memory, are about to be used up.
    private var isShort = false

    private(set) var isOpen = true
    /// Whether there is an alive pipe, and somebody has a writing end of it.
    private(set) var isKeptAlive: Bool

    /// How long a client is waited for when others wait for its place.
    private static let crowdedTimeout = Duration.seconds(1)

    /// - Parameter alive: The reading end of the alive pipe.
    init(_ setup: AddressSetup, alive: consuming OwnedFileDescriptor?, in reactor: Reactor) throws {
        guard let type = TypeName.type(named: setup.program.typeName) as? any ForeignChildProgram.Type else {
            throw ForkServerError.typeUnknown(setup.program.typeName)
        }
        program = try BinaryDecoder().decode(type, from: setup.program.payload)
        key = try setup.key.map { bytes throws(AuthenticationError) in try AuthenticationKey(bytes) }
        policy = AuthenticationPolicy(rawValue: setup.policy) ?? .modern
        requestTimeout = .milliseconds(setup.requestTimeoutMilliseconds)
        callerLimit = setup.waitingClientLimit
        reserve = try DescriptorReserve(260, share: 2)
        // The server has one thread: nobody else makes a file meanwhile.
        let mask = umask(0o077)
        defer { umask(mask) }
        listener =
            try setup.path.map { path throws(FramingError) in
                try setup.takesOver ? Listener(takingOver: path) : Listener(at: .unix(path: path))
            } ?? Listener.atFreshAddress()
        if let alive {
            self.alive = FileDescriptor(rawValue: alive.take())
            isKeptAlive = true
        } else {
            self.alive = nil
            isKeptAlive = false
        }
        self.reactor = reactor
        try listener.withDescriptor { descriptor throws(FramingError) in
            try framing { () throws(Errno) in try descriptor.setBlocking(false) }
        }
        try listen()
    }

    /// Where it is.
    var address: Address { listener.address }
    var childCount: Int { children.count }

    /// Whether there is anything left to do for it.
    var isInUse: Bool { isOpen || !callers.isEmpty || !children.isEmpty }

    /// Calls back once when the last writing end of the alive pipe has been closed.
    func watchAlivePipe(_ ended: @escaping () -> Void) throws(Errno) {
        guard let alive, isKeptAlive else { return }
        try reactor.addReader(alive) { [unowned self] readiness in
            guard readiness.contains(.hangUp) else {
                // Nobody is to write there, but what is there is not the end.
                _ = try? alive.read(upTo: 4096)
                return
            }
            stopKeepingAlive()
            ended()
        }
    }

    /// From now on it is open for the server's other clients only.
    func stopKeepingAlive() {
        if let alive { reactor.removeReader(alive) }
        isKeptAlive = false
    }

    // MARK: The end

    /// Takes no more clients. Those that have come already are served, and children go on.
    func close() {
        guard isOpen else { return }
        try? listener.withDescriptor { descriptor in
            // As many as have room, and others than those who come and go for ever.
            for _ in 0..<callerLimit where !isCrowded && !isShort {
                if (try? descriptor.wait(for: .readable, until: .now))?.isEmpty != false { break }
                admit(from: descriptor)
            }
        }
        isOpen = false
        stopListening()
        listener.close()
    }

    /// Turns those away who have not sent their request yet.
    func dismissCallers() {
        for caller in callers { dismiss(caller) }
    }

    /// Asks the children to end, and kills those that have not after the grace period.
    func endChildren(gracePeriod: Duration) {
        for child in children.values { child.send(.terminate) }
        guard !children.isEmpty else { return }
        reactor.addTimer(after: gracePeriod) { [self] in
            for child in children.values { child.send(.kill) }
        }
    }

    // MARK: Children

    /// The request that has come, to be served now; those after it are read later.
    func takeRequest() -> ForeignRequest? {
        guard let caller = next else { return nil }
        next = nil
        do throws(Caller.Failure) {
            guard let request = try caller.receiveRequest() else { return nil }
            dismiss(caller)
            return request
        } catch {
            turnAway(caller, error)
            return nil
        }
    }

    func add(_ child: ServerChild) { children[child.process] = child }
    func remove(_ child: ServerChild) { children[child.process] = nil }

    // MARK: Clients

    private func listen() throws {
        try listener.withDescriptor { descriptor throws(FramingError) in
            try framing { () throws(Errno) in
                try reactor.addReader(descriptor) { [unowned self] _ in admit(from: descriptor) }
            }
        }
    }

    private func stopListening() {
        try? listener.withDescriptor { reactor.removeReader($0) }
    }

    private func admit(from listening: FileDescriptor) {
        do throws(Errno) {
            let accepted = try listening.accept(until: .now)
            if reserve.contains(accepted.socket.descriptor) { pause() }
            admit(accepted.socket)
        } catch {
            // The client waits in the kernel, and the listener would be readable all the time.
            if error.isShortage { pause() }
        }
    }

    private func pause() {
        isShort = true
        stopListening()
        scheduleTimeout()
        reactor.addTimer(after: .milliseconds(50)) { [unowned self] in
            isShort = false
            if isOpen, !isCrowded { try? listen() }
        }
    }

    private func admit(_ socket: consuming OwnedFileDescriptor) {
        do {
            let handshake = key.map { Handshake(.deliver, .answer, key: $0, policy: policy) }
            let caller = try Caller(socket, handshake)
            try reactor.addReader(caller.descriptor) { [unowned self] _ in resume(caller) }
            callers.append(caller)
        } catch {
            report(error, nil)
        }
        if isCrowded { stopListening() }
        scheduleTimeout()
    }

    private func resume(_ caller: Caller) {
        do throws(Caller.Failure) {
            if try caller.finishHandshake(), next == nil { next = caller }
        } catch {
            turnAway(caller, error)
        }
    }

    private func turnAway(_ caller: Caller, _ failure: Caller.Failure) {
        report(failure, caller)
        dismiss(caller)
    }

    private func dismiss(_ caller: Caller) {
        let wasCrowded = isCrowded
        reactor.removeReader(caller.descriptor)
        callers.removeAll { $0 === caller }
        if next === caller { next = nil }
        if wasCrowded, isOpen, !isShort { try? listen() }
        scheduleTimeout()
    }

    private var isCrowded: Bool { callers.count >= callerLimit }

    private func report(_ failure: any Error, _ caller: Caller?) {
        if case .gone = failure as? Caller.Failure { return }
        let who = caller.map { "process \($0.credentials.process)" } ?? "a client"
        standardErrorLine("fork server: \(who) is turned away at \(address): \(failure)")
    }

    // MARK: Their time

    private var timeout: Duration {
        isCrowded || isShort ? min(requestTimeout, Self.crowdedTimeout) : requestTimeout
    }

    private func scheduleTimeout() {
        callerTimer.map(reactor.cancelTimer)
        callerTimer = callers.first.map { first in
            // Not at once for one that was passed over because the server has not got to it.
            let rest = max((first.arrival + timeout).remaining ?? .zero, .milliseconds(1))
            return reactor.addTimer(after: rest) { [unowned self] in dismissSilent() }
        }
    }

    /// Dismisses those whose time is up. What one has sent that the server has not read yet counts as if it had been in time.
    private func dismissSilent() {
        let late = callers.prefix { ($0.arrival + timeout).hasPassed }
        for caller in late where (try? caller.descriptor.wait(for: .readable, until: .now))?.isEmpty ?? true {
            dismiss(caller)
        }
        scheduleTimeout()
    }
}
