import Auth
import Framing
import Syscalls
import Testing

/// Something that a peer may send, and what it is called.
struct BadMessage: CustomTestStringConvertible, Sendable {
    let what: String
    let bytes: [UInt8]
    let error: AuthenticationError

    init(_ what: String, _ bytes: [UInt8], _ error: AuthenticationError) {
        self.what = what
        self.bytes = bytes
        self.error = error
    }

    init(_ what: String, _ text: String, _ error: AuthenticationError) {
        self.init(what, Array(text.utf8), error)
    }

    var testDescription: String { what }
}

@Suite("Handshakes: what goes wrong")
struct HandshakeErrorTests {
    static let random40 = String(repeating: "r", count: 40)

    static let challenges = [
        BadMessage("no message", [], .malformed(.challenge, byteCount: 0)),
        BadMessage("something else", "GET / HTTP/1.1", .malformed(.challenge, byteCount: 14)),
        BadMessage("half of the first word", "#CHALL", .malformed(.challenge, byteCount: 6)),
        BadMessage("no random bytes", "#CHALLENGE#", .short(.challenge, byteCount: 0, minimum: 20)),
        BadMessage(
            "19 random bytes", "#CHALLENGE#" + random40.prefix(19), .short(.challenge, byteCount: 19, minimum: 20)),
        BadMessage("no digest", "#CHALLENGE#" + random40, .malformed(.challenge, byteCount: 40)),
        BadMessage("a name without end", "#CHALLENGE#{sha256" + random40, .malformed(.challenge, byteCount: 47)),
        BadMessage("an unknown digest", "#CHALLENGE#{sha1}" + random40, .unknownDigest("sha1", in: .challenge)),
        BadMessage("an empty name", "#CHALLENGE#{}" + random40, .unknownDigest("", in: .challenge)),
        BadMessage("a name in capitals", "#CHALLENGE#{SHA256}" + random40, .unknownDigest("SHA256", in: .challenge)),
        BadMessage("a name that is none", "#CHALLENGE#{\u{1b}[2J}" + random40, .malformed(.challenge, byteCount: 46)),
        BadMessage("a response", "{sha256}" + random40.prefix(32), .outOfOrder(.response, expected: .challenge)),
        BadMessage("a welcome", "#WELCOME#", .outOfOrder(.verdict, expected: .challenge)),
        BadMessage("a failure", "#FAILURE#", .outOfOrder(.verdict, expected: .challenge)),
        BadMessage(
            "257 bytes", "#CHALLENGE#{sha256}" + String(repeating: "r", count: 238),
            .oversized(.challenge, byteCount: 257)),
    ]

    @Test("a bad challenge has its own error and no answer, and the connection is closed", arguments: challenges)
    func challenge(bad: BadMessage) async throws {
        let encounter = try await Encounter.of(
            { try $0.authenticateAsClient(key: .named("secret"), policy: .compatible, until: .generous) },
            with: [bad.bytes])
        #expect(encounter.error == bad.error)
        #expect(encounter.received.isEmpty)
        #expect(encounter.isClosed)
    }

    static let responses = [
        BadMessage("no message", [], .short(.response, byteCount: 0, minimum: 16)),
        BadMessage("15 bytes", random40.prefix(15) + "", .short(.response, byteCount: 15, minimum: 16)),
        BadMessage("17 bytes without a digest", random40.prefix(17) + "", .malformed(.response, byteCount: 17)),
        BadMessage("20 bytes without a digest", random40.prefix(20) + "", .malformed(.response, byteCount: 20)),
        BadMessage(
            "too few bytes for its digest", "{sha256}" + random40.prefix(31), .malformed(.response, byteCount: 39)),
        BadMessage(
            "too many bytes for its digest", "{sha256}" + random40.prefix(33), .malformed(.response, byteCount: 41)),
        BadMessage("an unknown digest", "{sha512}" + random40, .unknownDigest("sha512", in: .response)),
        BadMessage("a name without end", "{sha256" + random40, .malformed(.response, byteCount: 47)),
        BadMessage("a challenge", "#CHALLENGE#{sha256}" + random40, .outOfOrder(.challenge, expected: .response)),
        BadMessage("a welcome", "#WELCOME#", .outOfOrder(.verdict, expected: .response)),
    ]

    @Test("a bad response has its own error, the peer is told, and the connection is closed", arguments: responses)
    func response(bad: BadMessage) async throws {
        let encounter = try await Encounter.of(
            { try $0.authenticateAsListener(key: .named("secret"), policy: .compatible, until: .generous) },
            with: [bad.bytes])
        #expect(encounter.error == bad.error)
        #expect(encounter.received.count == 2)
        #expect(encounter.received.last == Wire.failure)
        #expect(encounter.isClosed)
    }

    @Test("a response that is too long is not read")
    func oversizedResponse() async throws {
        let encounter = try await Encounter.of(
            { try $0.authenticateAsListener(key: .named("secret"), until: .generous) },
            with: [.init(repeating: 1, count: 257)])
        #expect(encounter.error == .oversized(.response, byteCount: 257))
        #expect(encounter.isClosed)
    }

    @Test("a length beyond all bounds is refused before the bytes come")
    func hugeResponse() async throws {
        let encounter = try await Encounter.of(
            { try $0.authenticateAsListener(key: .named("secret"), until: .generous) },
            withBytes: [0x7f, 0xff, 0xff, 0xff])
        #expect(encounter.error == .oversized(.response, byteCount: 0x7fff_ffff))
    }

    static let verdicts = [
        BadMessage("a failure", "#FAILURE#", .rejectedByPeer),
        BadMessage("no message", "", .malformed(.verdict, byteCount: 0)),
        BadMessage("more than a welcome", "#WELCOME#!", .malformed(.verdict, byteCount: 10)),
        BadMessage("a challenge", "#CHALLENGE#{sha256}" + random40, .outOfOrder(.challenge, expected: .verdict)),
        BadMessage("a response", "{sha256}" + random40.prefix(32), .outOfOrder(.response, expected: .verdict)),
        BadMessage("257 bytes", String(repeating: "r", count: 257), .oversized(.verdict, byteCount: 257)),
    ]

    @Test("anything but a welcome has an error of its own, and the connection is closed", arguments: verdicts)
    func verdict(bad: BadMessage) async throws {
        let challenge = Wire.challenge(HandshakeDialectTests.modernContent)
        let encounter = try await Encounter.of(
            { try $0.authenticateAsClient(key: .named("secret"), until: .generous) }, with: [challenge, bad.bytes])
        #expect(encounter.error == bad.error)
        #expect(encounter.received.count == 1)
        #expect(encounter.isClosed)
    }

    @Test("a message of 256 bytes is not too long")
    func largest() async throws {
        let content = Array("{sha256}".utf8) + pseudoRandomBytes(count: 256 - 11 - 8, seed: 1)
        let encounter = try await Encounter.of(
            { try $0.answerChallenge(key: .named("secret"), until: .generous) },
            with: [Wire.challenge(content), Wire.welcome])
        #expect(encounter.error == nil)
        #expect(encounter.received == [Wire.response(to: content, key: "secret", .sha256)])
    }

    @Test("the own challenge is no response")
    func echoAsResponse() async throws {
        let errors = try await errors { connection in
            defer { #expect(connection.isClosed) }
            try connection.authenticateAsListener(key: .named("secret"), until: .generous)
        } client: { peer in
            try peer.send(peer.receive(until: .generous))
            #expect(try peer.receive(until: .generous) == Wire.failure)
        }
        #expect(errors == [.ownChallengeEchoed, nil])
    }

    @Test("the own challenge is not answered, even for a peer that knows the key")
    func echoAsChallenge() async throws {
        let errors = try await errors { connection in
            defer { #expect(connection.isClosed) }
            try connection.authenticateAsListener(key: .named("secret"), until: .generous)
        } client: { peer in
            let challenge = try peer.receive(until: .generous)
            try peer.send(Wire.response(to: Wire.content(of: challenge), key: "secret", .sha256))
            #expect(try peer.receive(until: .generous) == Wire.welcome)
            try peer.send(challenge)
            #expect(throws: FramingError.endOfFile) { try peer.receive(until: .generous) }
        }
        #expect(errors == [.ownChallengeEchoed, nil])
    }

    @Test("a peer that says nothing is given up at the deadline, and the connection is closed")
    func silence() async throws {
        let modern = Wire.challenge(HandshakeDialectTests.modernContent)
        let cases: [(Side, [[UInt8]], HandshakeMessage)] = [
            ({ try $0.authenticateAsListener(key: .named("secret"), until: .short) }, [], .response),
            ({ try $0.authenticateAsClient(key: .named("secret"), until: .short) }, [], .challenge),
            ({ try $0.authenticateAsClient(key: .named("secret"), until: .short) }, [modern], .verdict),
            ({ try $0.authenticateAsClient(key: .named("secret"), until: .short) }, [modern, Wire.welcome], .response),
        ]
        for (side, script, awaited) in cases {
            let encounter = try await Encounter.of(side, with: script)
            #expect(encounter.error == .timedOut(awaiting: awaited))
            #expect(encounter.isClosed)
        }
    }

    @Test("a peer that does not even read is given up at the deadline")
    func fullSocket() async throws {
        try await onThread {
            let (ours, peer) = try Connection.pipe()
            try ours.withDescriptor { descriptor throws(FramingError) in
                do throws(Errno) {
                    try descriptor.setBlocking(false)
                    while true { try descriptor.writeAll([UInt8](repeating: 0, count: 4096)) }
                } catch {
                    #expect(error == .resourceTemporarilyUnavailable)
                }
            }
            #expect(throws: AuthenticationError.timedOut(awaiting: .response)) {
                try ours.authenticateAsListener(key: .named("secret"), until: .short)
            }
            #expect(ours.isClosed)
            withExtendedLifetime(peer) {}
        }
    }

    @Test("a peer that closes is told apart from one that closes in the middle of a message")
    func end() async throws {
        let listener: Side = { try $0.authenticateAsListener(key: .named("secret"), until: .generous) }
        let between = try await Encounter.of(listener, withBytes: [])
        #expect(between.error == .ended(awaiting: .response))
        #expect(between.isClosed)
        let inside = try await Encounter.of(listener, withBytes: [0, 0, 0, 40, 1, 2, 3])
        #expect(inside.error == .framing(.endOfStreamDuringMessage(missing: 37)))
        #expect(inside.isClosed)
        let negative = try await Encounter.of(listener, withBytes: [0xff, 0xff, 0xff, 0xfe])
        #expect(negative.error == .framing(.malformedHeader(length: -2)))
    }

    @Test("a connection that was closed, or only goes one way, has no handshake")
    func unusableConnection() throws {
        let (closed, _) = try Connection.pipe()
        closed.close()
        #expect(throws: AuthenticationError.framing(.closed)) {
            try closed.authenticateAsListener(key: .named("secret"), until: .generous)
        }
        let (readEnd, writeEnd) = try Connection.pipe(duplex: false)
        #expect(throws: AuthenticationError.framing(.notWritable)) {
            try readEnd.authenticateAsListener(key: .named("secret"), until: .generous)
        }
        #expect(throws: AuthenticationError.framing(.notReadable)) {
            try writeEnd.authenticateAsClient(key: .named("secret"), until: .generous)
        }
    }
}
