import Auth
import Framing
import Syscalls
import Testing

/// Peers of either dialect, played by the tests.
@Suite("Handshakes: dialects and policies")
struct HandshakeDialectTests {
    static let legacyContent = pseudoRandomBytes(count: 20, seed: 1)
    static let modernContent = Array("{sha256}".utf8) + pseudoRandomBytes(count: 40, seed: 2)
    static let md5Content = Array("{md5}".utf8) + pseudoRandomBytes(count: 40, seed: 3)

    @Test("a challenge names its digest and has 40 random bytes, others each time", arguments: DigestAlgorithm.allCases)
    func challenge(digest: DigestAlgorithm) async throws {
        var contents = Set<[UInt8]>()
        for _ in 0..<4 {
            let encounter = try await Encounter.of(
                {
                    try $0.deliverChallenge(
                        key: .named("secret"), policy: .compatible, digest: digest, until: .generous)
                },
                with: [Wire.welcome])
            let content = try Wire.content(of: #require(encounter.received.first))
            #expect(content.starts(with: "{\(digest.rawValue)}".utf8))
            #expect(content.count == "{\(digest.rawValue)}".utf8.count + 40)
            contents.insert(content)
        }
        #expect(contents.count == 4)
    }

    @Test("a legacy challenge gets a bare HMAC-MD5")
    func legacyChallenge() async throws {
        let encounter = try await Encounter.of(
            { try $0.answerChallenge(key: .named("secret"), policy: .compatible, until: .generous) },
            with: [Wire.challenge(Self.legacyContent), Wire.welcome])
        #expect(encounter.error == nil)
        #expect(encounter.received == [Wire.bareResponse(to: Self.legacyContent, key: "secret")])
    }

    @Test("20 bytes are a legacy challenge, whatever they look like")
    func legacyChallengeThatLooksModern() async throws {
        let content = Array("{sha256}".utf8) + pseudoRandomBytes(count: 12, seed: 4)
        let encounter = try await Encounter.of(
            { try $0.answerChallenge(key: .named("secret"), policy: .compatible, until: .generous) },
            with: [Wire.challenge(content), Wire.welcome])
        #expect(encounter.received == [Wire.bareResponse(to: content, key: "secret")])
    }

    @Test("a modern challenge gets the digest that it names", arguments: DigestAlgorithm.allCases)
    func modernChallenge(digest: DigestAlgorithm) async throws {
        let content = Array("{\(digest.rawValue)}".utf8) + pseudoRandomBytes(count: 40, seed: 5)
        let encounter = try await Encounter.of(
            { try $0.answerChallenge(key: .named("secret"), policy: .compatible, until: .generous) },
            with: [Wire.challenge(content), Wire.welcome])
        #expect(encounter.error == nil)
        #expect(encounter.received == [Wire.response(to: content, key: "secret", digest)])
    }

    @Test("the response may name another digest than the challenge", arguments: DigestAlgorithm.allCases)
    func modernResponse(digest: DigestAlgorithm) async throws {
        let errors = try await errors { connection in
            try connection.deliverChallenge(key: .named("secret"), policy: .compatible, until: .generous)
        } client: { peer in
            let content = try Wire.content(of: peer.receive(until: .generous))
            try peer.send(Wire.response(to: content, key: "secret", digest))
            #expect(try peer.receive(until: .generous) == Wire.welcome)
        }
        #expect(errors == [nil, nil])
    }

    @Test("a legacy peer takes the digest's name for random bytes too, and is accepted")
    func legacyResponse() async throws {
        let errors = try await errors { connection in
            try connection.deliverChallenge(key: .named("secret"), policy: .compatible, until: .generous)
        } client: { peer in
            let content = try Wire.content(of: peer.receive(until: .generous))
            try peer.send(Wire.bareResponse(to: content, key: "secret"))
            #expect(try peer.receive(until: .generous) == Wire.welcome)
        }
        #expect(errors == [nil, nil])
    }

    @Test("the modern policy refuses to answer where MD5 is asked for, and names dialect and way out")
    func modernPolicyAndChallenges() async throws {
        for (content, dialect, name) in [
            (Self.legacyContent, AuthenticationDialect.legacy, "legacy"), (Self.md5Content, .modern, "modern"),
        ] {
            let encounter = try await Encounter.of(
                { try $0.authenticateAsClient(key: .named("secret"), until: .generous) },
                with: [Wire.challenge(content)])
            let error = AuthenticationError.digestForbidden(.md5, in: .challenge, dialect: dialect)
            #expect(encounter.error == error)
            #expect(encounter.received.isEmpty)
            #expect(encounter.isClosed)
            for word in [name, "md5", "challenge", ".modern", ".compatible"] { #expect("\(error)".contains(word)) }
        }
    }

    @Test("the modern policy refuses right responses that use MD5, and says so to the peer, too")
    func modernPolicyAndResponses() async throws {
        for (prefix, dialect, name) in [("", AuthenticationDialect.legacy, "legacy"), ("{md5}", .modern, "modern")] {
            let error = AuthenticationError.digestForbidden(.md5, in: .response, dialect: dialect)
            let errors = try await errors { connection in
                defer { #expect(connection.isClosed) }
                try connection.authenticateAsListener(key: .named("secret"), until: .generous)
            } client: { peer in
                let content = try Wire.content(of: peer.receive(until: .generous))
                try peer.send(Array(prefix.utf8) + Wire.bareResponse(to: content, key: "secret"))
                #expect(try peer.receive(until: .generous) == Wire.failure)
                #expect(throws: FramingError.endOfFile) { try peer.receive(until: .generous) }
            }
            #expect(errors == [error, nil])
            for word in [name, "md5", "response", ".modern", ".compatible"] { #expect("\(error)".contains(word)) }
        }
    }

    @Test("a wrong response is a wrong key in both dialects; the peer is told", arguments: ["", "{md5}", "{sha384}"])
    func wrongResponse(prefix: String) async throws {
        let count = prefix == "{sha384}" ? 48 : 16
        let encounter = try await Encounter.of(
            { try $0.deliverChallenge(key: .named("secret"), policy: .compatible, until: .generous) },
            with: [Array(prefix.utf8) + pseudoRandomBytes(count: count, seed: 6)])
        #expect(encounter.error == .wrongKey)
        #expect(encounter.received.last == Wire.failure)
        #expect(encounter.isClosed)
    }
}
