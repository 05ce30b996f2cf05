import Syscalls

/// One side of CPython's challenge-response handshake, without any input or output: to each message of the peer there is
/// at most one reply.
///
///     deliverer                             answerer
///     #CHALLENGE# and random bytes   →
///                                    ←     their HMAC
///     #WELCOME# or #FAILURE#         →
///
/// Then the other way round: the listener delivers first and the client answers first. Challenges are delivered in the
/// modern dialect, `{sha256}` before the random bytes and the HMAC. Legacy peers take the name for random bytes too and
/// respond with the bare HMAC-MD5 of it all; their own challenges are 20 bytes, and get a bare HMAC-MD5.
///
/// It proves that the peer knows the key, and no more: whoever can place themselves between the peers can relay it.
package struct Handshake: Sendable {
    package enum Part: Sendable {
        case deliver, answer
    }

    package enum State: Sendable {
        /// The peer is to send this.
        case awaiting(HandshakeMessage)
        /// This side has done its part and the peer has shown that it knows the key.
        case done
        /// The connection is to be closed, once the last message was sent.
        case failed(AuthenticationError)
    }

    /// The most bytes that any message may have. Longer ones are to be refused before they are read.
    package static var messageLimit: Int { 256 }

    package private(set) var state = State.done

    private let key: AuthenticationKey
    private let policy: AuthenticationPolicy
    private let digest: DigestAlgorithm
    private var parts: ArraySlice<Part>
    /// What this side delivered, or nothing yet.
    private var challenge: [UInt8] = []

    /// - Parameters:
    ///   - parts: What this side does, in order.
    ///   - digest: What its challenge names. One that the policy refuses is a programmer's error.
    package init(
        _ parts: Part..., key: AuthenticationKey, policy: AuthenticationPolicy, digest: DigestAlgorithm = .sha256
    ) {
        precondition(
            policy.accepts(digest), "the policy \(policy) refuses \(digest): name another digest, or use .compatible")
        self.parts = parts[...]
        self.key = key
        self.policy = policy
        self.digest = digest
    }

    /// Begins. Returns what is to be sent, if anything.
    package mutating func begin() -> [UInt8]? {
        do throws(AuthenticationError) {
            return try nextPart()
        } catch {
            state = .failed(error)
            return nil
        }
    }

    /// Takes the message that is awaited. Returns what is to be sent, if anything.
    package mutating func reply(to message: [UInt8]) -> [UInt8]? {
        guard case .awaiting(let expected) = state else {
            preconditionFailure("the handshake is over: what comes now is for the application")
        }
        do throws(AuthenticationError) {
            switch expected {
            case .challenge:
                let response = try response(to: message)
                state = .awaiting(.verdict)
                return response
            case .response:
                try verify(message)
                // After delivering this side answers, if anything: the peer goes on.
                _ = try nextPart()
                return Self.welcome
            case .verdict:
                try checkVerdict(message)
                return try nextPart()
            }
        } catch {
            state = .failed(error)
            return expected == .response ? Self.failure : nil
        }
    }

    private mutating func nextPart() throws(AuthenticationError) -> [UInt8]? {
        switch parts.popFirst() {
        case .deliver:
            challenge = try freshChallenge()
            state = .awaiting(.response)
            return challenge
        case .answer:
            state = .awaiting(.challenge)
            return nil
        case nil:
            state = .done
            return nil
        }
    }
}

extension Handshake {
    private static let challengePrefix = Array("#CHALLENGE#".utf8)
    private static let welcome = Array("#WELCOME#".utf8)
    private static let failure = Array("#FAILURE#".utf8)

    /// In the legacy dialect messages are recognized by their lengths.
    private static var legacyChallengeByteCount: Int { 20 }
    private static var legacyResponseByteCount: Int { DigestAlgorithm.md5.byteCount }

    private func freshChallenge() throws(AuthenticationError) -> [UInt8] {
        do throws(Errno) {
            return Self.challengePrefix + DigestName(of: digest).bytes + (try randomBytes(40))
        } catch {
            throw .system(error)
        }
    }

    /// The response to the peer's challenge.
    private func response(to message: [UInt8]) throws(AuthenticationError) -> [UInt8] {
        guard message.starts(with: Self.challengePrefix) else { throw misplaced(message, expected: .challenge) }
        guard message != challenge else { throw .ownChallengeEchoed }
        let content = message.dropFirst(Self.challengePrefix.count)
        guard content.count >= Self.legacyChallengeByteCount else {
            throw .short(.challenge, byteCount: content.count, minimum: Self.legacyChallengeByteCount)
        }
        let isLegacy = content.count == Self.legacyChallengeByteCount
        let name = isLegacy ? nil : try DigestName(at: content, in: .challenge)
        try check(name, in: .challenge)
        // The name is authenticated with the rest: nobody between the peers can replace it by a weaker one.
        let code = key.authenticationCode(for: content, by: name?.digest ?? .md5)
        return (name?.bytes ?? []) + code
    }

    /// Whether the peer's response to the challenge shows that it knows the key.
    private func verify(_ response: [UInt8]) throws(AuthenticationError) {
        let isLegacy = response.count == Self.legacyResponseByteCount
        if !isLegacy, let kind = kind(of: response), kind != .response {
            throw response == challenge ? .ownChallengeEchoed : .outOfOrder(kind, expected: .response)
        }
        guard response.count >= Self.legacyResponseByteCount else {
            throw .short(.response, byteCount: response.count, minimum: Self.legacyResponseByteCount)
        }
        // Not the challenge's name but the response's decides: CPython 3.13 takes md5 where it asked for sha256, too.
        let name = isLegacy ? nil : try DigestName(at: response[...], in: .response)
        let digest = name?.digest ?? .md5
        let code = response.dropFirst(name?.bytes.count ?? 0)
        guard code.count == digest.byteCount else { throw .malformed(.response, byteCount: response.count) }
        try check(name, in: .response)
        let right = key.authenticationCode(for: challenge.dropFirst(Self.challengePrefix.count), by: digest)
        guard constantTimeEqual(right, Array(code)) else { throw .wrongKey }
    }

    private func checkVerdict(_ message: [UInt8]) throws(AuthenticationError) {
        guard message != Self.failure else { throw .rejectedByPeer }
        guard message == Self.welcome else { throw misplaced(message, expected: .verdict) }
    }

    private func check(_ name: DigestName?, in message: HandshakeMessage) throws(AuthenticationError) {
        let digest = name?.digest ?? .md5
        guard policy.accepts(digest) else {
            throw .digestForbidden(digest, in: message, dialect: name == nil ? .legacy : .modern)
        }
    }

    /// What to say of a message that is not the one expected.
    private func misplaced(_ message: [UInt8], expected: HandshakeMessage) -> AuthenticationError {
        if let kind = kind(of: message) { return .outOfOrder(kind, expected: expected) }
        return .malformed(expected, byteCount: message.count)
    }

    /// Which message it is, as far as its beginning tells; a bare HMAC looks like anything.
    private func kind(of message: [UInt8]) -> HandshakeMessage? {
        if message.starts(with: Self.challengePrefix) { return .challenge }
        if message == Self.welcome || message == Self.failure { return .verdict }
        return DigestName(known: message[...]) == nil ? nil : .response
    }
}
