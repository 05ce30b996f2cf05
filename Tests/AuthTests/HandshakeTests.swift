import Auth
import Framing
import Syscalls
import Testing

@Suite("Handshakes")
struct HandshakeTests {
    @Test("peers with the same key authenticate each other, with every digest", arguments: DigestAlgorithm.allCases)
    func digests(digest: DigestAlgorithm) async throws {
        for policy in AuthenticationPolicy.allCases where policy.accepts(digest) {
            let errors = try await errors { connection in
                try connection.authenticateAsListener(
                    key: .named("secret"), policy: policy, digest: digest, until: .generous)
            } client: { connection in
                try connection.authenticateAsClient(
                    key: .named("secret"), policy: policy, digest: digest, until: .generous)
            }
            #expect(errors == [nil, nil])
        }
    }

    @Test("each side chooses the digest of its own challenge")
    func differentDigests() async throws {
        let errors = try await errors { connection in
            try connection.authenticateAsListener(key: .named("secret"), digest: .sha384, until: .generous)
        } client: { connection in
            try connection.authenticateAsClient(
                key: .named("secret"), policy: .compatible, digest: .sha3_256, until: .generous)
        }
        #expect(errors == [nil, nil])
    }

    @Test("messages sent right behind the handshake arrive")
    func messagesBehind() async throws {
        let errors = try await errors { connection in
            try connection.authenticateAsListener(key: .named("secret"), until: .generous)
            try connection.send([1, 2, 3])
            #expect(try connection.receive(until: .generous) == [4, 5, 6])
        } client: { connection in
            try connection.authenticateAsClient(key: .named("secret"), until: .generous)
            try connection.send([4, 5, 6])
            #expect(try connection.receive(until: .generous) == [1, 2, 3])
        }
        #expect(errors == [nil, nil])
    }

    @Test("half a handshake is enough where only one side has something to prove")
    func halves() async throws {
        let errors = try await errors { connection in
            try connection.deliverChallenge(key: .named("secret"), until: .generous)
        } client: { connection in
            try connection.answerChallenge(key: .named("secret"), until: .generous)
        }
        #expect(errors == [nil, nil])
    }

    @Test("with different keys the listener says wrong key, the client that it was rejected, and both close")
    func differentKeys() async throws {
        let errors = try await errors { connection in
            defer { #expect(connection.isClosed) }
            try connection.authenticateAsListener(key: .named("secret"), until: .generous)
        } client: { connection in
            defer { #expect(connection.isClosed) }
            try connection.authenticateAsClient(key: .named("another"), until: .generous)
        }
        #expect(errors == [.wrongKey, .rejectedByPeer])
    }

    @Test("a client, too, finds out that the peer has another key")
    func listenerWithAnotherKey() async throws {
        let errors = try await errors { connection in
            try connection.answerChallenge(key: .named("another"), until: .generous)
        } client: { connection in
            try connection.deliverChallenge(key: .named("secret"), until: .generous)
        }
        #expect(errors == [.rejectedByPeer, .wrongKey])
    }

    @Test("one peer's policy refuses what the other one asks for")
    func differentPolicies() async throws {
        let errors = try await errors { connection in
            try connection.authenticateAsListener(
                key: .named("secret"), policy: .compatible, digest: .md5, until: .generous)
        } client: { connection in
            try connection.authenticateAsClient(key: .named("secret"), until: .generous)
        }
        #expect(
            errors == [
                .ended(awaiting: .response), .digestForbidden(.md5, in: .challenge, dialect: .modern),
            ])
    }

    @Test("two listeners see that they are two listeners")
    func twoListeners() async throws {
        let errors = try await errors { connection in
            try connection.authenticateAsListener(key: .named("secret"), until: .generous)
        } client: { connection in
            try connection.authenticateAsListener(key: .named("secret"), until: .generous)
        }
        #expect(errors == [.outOfOrder(.challenge, expected: .response), .outOfOrder(.challenge, expected: .response)])
        #expect("\(try #require(errors[0]))".contains("listener"))
    }

    @Test("long keys and keys of one byte work", arguments: [1, 64, 65, 128, 129, 1000])
    func keyLengths(length: Int) async throws {
        let errors = try await errors { connection in
            try connection.authenticateAsListener(
                key: AuthenticationKey(.init(repeating: 7, count: length)), until: .generous)
        } client: { connection in
            try connection.authenticateAsClient(
                key: AuthenticationKey(.init(repeating: 7, count: length)), until: .generous)
        }
        #expect(errors == [nil, nil])
    }

    @Test("a listener and a client authenticate each other over Unix sockets and TCP")
    func listenerAndClient() async throws {
        let directory = try TemporaryDirectory()
        for address in [Address.unix(path: "\(directory.path)/socket"), .tcp(host: "127.0.0.1", port: 0)] {
            let listener = try Listener(at: address)
            async let accepted: Void = onThread {
                let connection = try listener.accept(key: .named("secret"), until: .generous)
                try connection.send([1, 2, 3])
            }
            let message = try await onThread {
                let connection = try Connection.connect(to: listener.address, key: .named("secret"), until: .generous)
                return try connection.receive(until: .generous)
            }
            #expect(message == [1, 2, 3])
            try await accepted
        }
    }

    @Test("a listener that met a wrong key, or nobody, goes on")
    func listenerGoesOn() async throws {
        let listener = try Listener(at: .tcp(host: "127.0.0.1", port: 0))
        try await onThread { () -> Void in
            #expect(throws: AuthenticationError.framing(.timedOut)) {
                try listener.accept(key: .named("secret"), until: .short)
            }
        }
        async let accepted: Void = onThread {
            #expect(throws: AuthenticationError.wrongKey) {
                // No deadline of its own: the handshake has one.
                try listener.accept(key: .named("secret"), handshakeTimeout: .seconds(300))
            }
            _ = try listener.accept(key: .named("secret"), until: .generous)
        }
        try await onThread {
            #expect(throws: AuthenticationError.rejectedByPeer) {
                try Connection.connect(to: listener.address, key: .named("another"), until: .generous)
            }
            _ = try Connection.connect(to: listener.address, key: .named("secret"), until: .generous)
        }
        try await accepted
    }

    @Test("where nobody listens that is the error")
    func nobodyListens() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: AuthenticationError.framing(.system(.noSuchFileOrDirectory))) {
            try Connection.connect(to: .unix(path: "\(directory.path)/nobody"), key: .named("secret"), until: .generous)
        }
    }
}
