import Auth
import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Listeners that authenticate many at a time")
struct AuthenticatingListenerTests {
    /// A listener at a port of its own.
    private static func listener(
        handshakeTimeout: Duration = .seconds(300), handshakeLimit: Int = 64
    ) throws -> AuthenticatingListener {
        AuthenticatingListener(
            try Listener(at: .tcp(host: "127.0.0.1", port: 0)), key: try .named("secret"),
            handshakeTimeout: handshakeTimeout, handshakeLimit: handshakeLimit)
    }

    @Test("peers that say nothing do not keep others from being accepted")
    func silentPeers() async throws {
        let listener = try Self.listener()
        let silent = try (0..<5).map { _ in try Connection.connect(to: listener.listener.address) }
        async let accepted: Void = onThread {
            for _ in 0..<3 { try listener.accept(until: .generous).send([1, 2, 3]) }
        }
        try await onThread {
            for _ in 0..<3 {
                let client = try Connection.connect(
                    to: listener.listener.address, key: .named("secret"), until: .generous)
                #expect(try client.receive(until: .generous) == [1, 2, 3])
            }
        }
        try await accepted
        withExtendedLifetime(silent) {}
    }

    @Test("a peer that dawdles is given up at its deadline, and only that one")
    func dawdlingPeer() async throws {
        let listener = try Self.listener(handshakeTimeout: .milliseconds(50))
        try await onThread {
            let silent = try Connection.connect(to: listener.listener.address)
            #expect(throws: AuthenticationError.timedOut(awaiting: .response)) { try listener.accept(until: .generous) }
            #expect(try silent.receive(until: .generous).starts(with: "#CHALLENGE#".utf8))
            #expect(throws: FramingError.endOfFile) { try silent.receive(until: .generous) }
        }
    }

    @Test("a handshake that has begun goes on in the next call")
    func goingOn() async throws {
        let listener = try Self.listener()
        try await onThread {
            let peer = try Connection.connect(to: listener.listener.address)
            #expect(throws: AuthenticationError.framing(.timedOut)) { try listener.accept(until: .short) }
            let content = try Wire.content(of: peer.receive(until: .generous))
            try peer.send(Wire.response(to: content, key: "secret", .sha256))
            #expect(throws: AuthenticationError.framing(.timedOut)) { try listener.accept(until: .short) }
            #expect(try peer.receive(until: .generous) == Wire.welcome)
            // One byte of a challenge, and then the rest.
            let challenge = Wire.challenge(HandshakeDialectTests.modernContent)
            try peer.withDescriptor { _ = try? $0.writeAll([0, 0]) }
            #expect(throws: AuthenticationError.framing(.timedOut)) { try listener.accept(until: .short) }
            try peer.withDescriptor { _ = try? $0.writeAll([0, UInt8(challenge.count)] + challenge) }
            // A welcome, and already a message for the application.
            try peer.send(Wire.welcome)
            try peer.send([1, 2, 3])
            let connection = try listener.accept(until: .generous)
            #expect(try connection.receive(until: .generous) == [1, 2, 3])
        }
    }

    @Test("a peer with another key is reported, and the next one accepted")
    func wrongKey() async throws {
        let listener = try Self.listener()
        async let accepted: Void = onThread {
            #expect(throws: AuthenticationError.wrongKey) { try listener.accept(until: .generous) }
            #expect(throws: AuthenticationError.ended(awaiting: .response)) { try listener.accept(until: .generous) }
            _ = try listener.accept(until: .generous)
        }
        try await onThread {
            let address = listener.listener.address
            #expect(throws: AuthenticationError.rejectedByPeer) {
                try Connection.connect(to: address, key: .named("another"), until: .generous)
            }
            let gone = try Connection.connect(to: address)
            #expect(try !gone.receive(until: .generous).isEmpty)
            gone.close()
            _ = try Connection.connect(to: address, key: .named("secret"), until: .generous)
        }
        try await accepted
    }

    @Test("beyond the limit of handshakes, who comes has to wait until there is room")
    func limit() async throws {
        let listener = try Self.listener(handshakeLimit: 1)
        try await onThread {
            let address = listener.listener.address
            let silent = try Connection.connect(to: address)
            let waiting = try Connection.connect(to: address)
            #expect(throws: AuthenticationError.framing(.timedOut)) { try listener.accept(until: .short) }
            #expect(throws: AuthenticationError.framing(.timedOut)) { try listener.accept(until: .short) }
            #expect(try silent.receive(until: .generous).starts(with: "#CHALLENGE#".utf8))
            #expect(try !waiting.poll())

            silent.close()
            #expect(throws: AuthenticationError.ended(awaiting: .response)) { try listener.accept(until: .generous) }
            #expect(throws: AuthenticationError.framing(.timedOut)) { try listener.accept(until: .short) }
            #expect(try waiting.receive(until: .generous).starts(with: "#CHALLENGE#".utf8))
        }
    }

    @Test("closing the listener ends accept also while no further handshake is begun")
    func closingAtLimit() async throws {
        let listener = try Self.listener(handshakeLimit: 1)
        let silent = try Connection.connect(to: listener.listener.address)
        async let accepted: Void = onThread {
            #expect(throws: AuthenticationError.framing(.closed)) { try listener.accept(until: .generous) }
        }
        // Its challenge tells that the limit is reached.
        _ = try await onThread { try silent.receive(until: .generous) }
        listener.listener.close()
        try await accepted
    }

    @Test("who waits for another that accepts keeps his own deadline, and sees the listener closed")
    func turns() async throws {
        let listener = try Self.listener()
        let silent = try Connection.connect(to: listener.listener.address)
        async let accepted: Void = onThread {
            #expect(throws: AuthenticationError.framing(.closed)) { try listener.accept(until: .generous) }
        }
        _ = try await onThread { try silent.receive(until: .generous) }
        try await onThread {
            for deadline in [Deadline.now, .short] {
                #expect(throws: AuthenticationError.framing(.timedOut)) { try listener.accept(until: deadline) }
            }
        }
        async let next: Void = onThread {
            #expect(throws: AuthenticationError.framing(.closed)) { try listener.accept(until: .generous) }
        }
        listener.listener.close()
        try await accepted
        try await next
        _ = try await onThread {
            #expect(throws: AuthenticationError.framing(.closed)) { try listener.accept(until: .generous) }
        }
    }

    @Test("without room for another descriptor clients wait until there is room")
    func withoutRoom() async throws {
        let outcome = try await onThread { try runHelper("AuthHelper", ["accept-without-room"]) }
        #expect(outcome == .success)
    }

    @Test("closing the listener ends accept")
    func closing() async throws {
        let listener = try Self.listener()
        let silent = try Connection.connect(to: listener.listener.address)
        async let accepted: Void = onThread {
            #expect(throws: AuthenticationError.framing(.closed)) { try listener.accept(until: .generous) }
        }
        // Its challenge tells that the other thread has begun to accept.
        _ = try await onThread { try silent.receive(until: .generous) }
        listener.listener.close()
        try await accepted
    }
}
