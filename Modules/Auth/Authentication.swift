import Framing
import Syscalls

extension Connection {
    /// Proves to the peer that this side knows the key and has the peer prove the same, the peer first.
    ///
    /// For the side that accepted the connection; the other one calls ``authenticateAsClient(key:policy:digest:until:)``.
    /// Blocks. Nothing else may use the connection meanwhile.
    ///
    /// - Parameters:
    ///   - key: The secret that both know.
    ///   - policy: Which digests are allowed.
    ///   - digest: What this side's challenge asks for. One that the policy refuses is a programmer's error.
    ///   - deadline: When to give up: for the whole handshake.
    /// - Throws: What is wrong, after the peer was told where the protocol has a message for that. The connection is closed.
    public func authenticateAsListener(
        key: AuthenticationKey, policy: AuthenticationPolicy = .modern, digest: DigestAlgorithm = .sha256,
        until deadline: Deadline = .after(defaultHandshakeTimeout)
    ) throws(AuthenticationError) {
        try perform(Handshake(.deliver, .answer, key: key, policy: policy, digest: digest), until: deadline)
    }

    /// Proves to the peer that this side knows the key and has the peer prove the same, this side first.
    ///
    /// For the side that connected. See ``authenticateAsListener(key:policy:digest:until:)``.
    public func authenticateAsClient(
        key: AuthenticationKey, policy: AuthenticationPolicy = .modern, digest: DigestAlgorithm = .sha256,
        until deadline: Deadline = .after(defaultHandshakeTimeout)
    ) throws(AuthenticationError) {
        try perform(Handshake(.answer, .deliver, key: key, policy: policy, digest: digest), until: deadline)
    }

    /// Has the peer prove that it knows the key: one half of a handshake, CPython's `deliver_challenge`.
    ///
    /// Parameters and errors are those of ``authenticateAsListener(key:policy:digest:until:)``.
    public func deliverChallenge(
        key: AuthenticationKey, policy: AuthenticationPolicy = .modern, digest: DigestAlgorithm = .sha256,
        until deadline: Deadline = .after(defaultHandshakeTimeout)
    ) throws(AuthenticationError) {
        try perform(Handshake(.deliver, key: key, policy: policy, digest: digest), until: deadline)
    }

    /// Proves to the peer that this side knows the key: one half of a handshake, CPython's `answer_challenge`.
    ///
    /// Parameters and errors are those of ``authenticateAsListener(key:policy:digest:until:)``.
    public func answerChallenge(
        key: AuthenticationKey, policy: AuthenticationPolicy = .modern,
        until deadline: Deadline = .after(defaultHandshakeTimeout)
    ) throws(AuthenticationError) {
        try perform(Handshake(.answer, key: key, policy: policy), until: deadline)
    }

    private func perform(_ handshake: Handshake, until deadline: Deadline) throws(AuthenticationError) {
        var handshake = handshake
        do throws(AuthenticationError) {
            try begin(&handshake, until: deadline)
            try resume(&handshake, until: deadline)
        } catch {
            close()
            throw error
        }
    }

    /// Sends what a handshake begins with, if anything.
    func begin(_ handshake: inout Handshake, until deadline: Deadline) throws(AuthenticationError) {
        let opening = handshake.begin()
        if case .failed(let error) = handshake.state { throw error }
        try send(opening, of: handshake, until: deadline)
    }

    /// Goes on with a handshake until it is done.
    ///
    /// - Throws: `AuthenticationError.timedOut`, after which it can be resumed, and what makes it fail.
    func resume(_ handshake: inout Handshake, until deadline: Deadline) throws(AuthenticationError) {
        while case .awaiting(let expected) = handshake.state {
            let message: [UInt8]
            do throws(FramingError) {
                message = try receive(limit: Handshake.messageLimit, until: deadline)
            } catch {
                throw AuthenticationError(error, awaiting: expected)
            }
            let reply = handshake.reply(to: message)
            try send(reply, of: handshake, until: deadline)
        }
        if case .failed(let error) = handshake.state { throw error }
    }

    private func send(
        _ message: [UInt8]?, of handshake: Handshake, until deadline: Deadline
    ) throws(AuthenticationError) {
        guard let message else { return }
        do throws(FramingError) {
            try send(message, until: deadline)
        } catch {
            switch handshake.state {
            case .awaiting(let expected): throw AuthenticationError(error, awaiting: expected)
            case .done: throw .framing(error)
            // The peer does not take the bad news: the news itself is what the caller wants to know.
            case .failed: break
            }
        }
    }
}

extension AuthenticationError {
    fileprivate init(_ error: FramingError, awaiting expected: HandshakeMessage) {
        self =
            switch error {
            case .messageTooLong(let length, _): .oversized(expected, byteCount: length)
            case .timedOut, .partlySent: .timedOut(awaiting: expected)
            case .endOfFile, .system(.connectionReset), .system(.brokenPipe): .ended(awaiting: expected)
            default: .framing(error)
            }
    }
}

extension Listener {
    /// Waits for the next client and performs the handshake with it, as CPython's `Listener` with an `authkey`.
    ///
    /// One peer at a time: while it dawdles, only other threads accept others. A server with one thread that must not be
    /// held up uses an `AuthenticatingListener`. Parameters that are not described are those of
    /// `Connection.authenticateAsListener`.
    ///
    /// - Parameters:
    ///   - descriptorLimit: See `Connection`.
    ///   - handshakeTimeout: How long the handshake may take, if the deadline does not come before.
    ///   - deadline: When to give up waiting for a client: that is `.framing(.timedOut)`.
    /// - Throws: What is wrong with a client, whose connection is closed; the listener goes on listening.
    public func accept(
        key: AuthenticationKey, policy: AuthenticationPolicy = .modern, digest: DigestAlgorithm = .sha256,
        descriptorLimit: Int = 0, handshakeTimeout: Duration = defaultHandshakeTimeout,
        until deadline: Deadline = .never
    ) throws(AuthenticationError) -> Connection {
        let connection = try authentication { () throws(FramingError) in
            try accept(descriptorLimit: descriptorLimit, until: deadline)
        }
        try connection.authenticateAsListener(
            key: key, policy: policy, digest: digest, until: min(deadline, .after(handshakeTimeout)))
        return connection
    }
}

extension Connection {
    /// Connects to a listener and performs the handshake with it, as CPython's `Client` with an `authkey`.
    ///
    /// Parameters that are not described are those of ``authenticateAsListener(key:policy:digest:until:)``.
    ///
    /// - Parameters:
    ///   - descriptorLimit: See `init`.
    ///   - deadline: When to give up: for connecting and the handshake together.
    public static func connect(
        to address: Address, key: AuthenticationKey, policy: AuthenticationPolicy = .modern,
        digest: DigestAlgorithm = .sha256, descriptorLimit: Int = 0,
        until deadline: Deadline = .after(defaultHandshakeTimeout)
    ) throws(AuthenticationError) -> Connection {
        let connection = try authentication { () throws(FramingError) in
            try connect(to: address, descriptorLimit: descriptorLimit, until: deadline)
        }
        try connection.authenticateAsClient(key: key, policy: policy, digest: digest, until: deadline)
        return connection
    }
}

/// Runs a call on a connection or listener with its error as an `AuthenticationError`.
func authentication<Result>(_ body: () throws(FramingError) -> Result) throws(AuthenticationError) -> Result {
    do throws(FramingError) { return try body() } catch { throw .framing(error) }
}
