import Auth
import Framing
import Syscalls
import TestSupport
import Testing

/// Handshakes with `connection`'s Listener and Client.
@Suite("Interop: handshakes", .enabled(if: !Peer.installed.isEmpty, "there is no Python to talk to"))
struct HandshakeTests {
    private let key: AuthenticationKey
    private let anotherKey: AuthenticationKey

    init() throws {
        key = try AuthenticationKey(Array("secret".utf8))
        anotherKey = try AuthenticationKey(Array("another".utf8))
    }

    /// Exchanges a message, or reports the error.
    private static let exchange = """
        def exchange(open):
            try:
                channel = open()
                channel.send_bytes(b"from Python")
                report("received " + channel.recv_bytes().decode())
                channel.close()
            except (AuthenticationError, EOFError, OSError) as error:
                report(type(error).__name__ + " " + str(error))


        """

    private func expectExchange(_ connection: Connection, _ script: Script) throws {
        try connection.send(Array("from Swift".utf8))
        #expect(try connection.receive(until: .generous) == Array("from Python".utf8))
        #expect(try script.nextReport() == "received from Swift")
    }

    @Test(
        "a Python listener and this client authenticate each other, and part where their keys differ",
        arguments: Peer.installed)
    func pythonListens(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let source = """
            listener = listen("AF_UNIX", sys.argv[1], authkey=b"secret")
            for _ in range(3):
                exchange(listener.accept)
            """
        let script = try Script(peer, Self.exchange + source, [directory.file("python")])
        let address = try Address(parsing: try script.nextReport())
        try expectExchange(
            try Connection.connect(to: address, key: key, policy: .compatible, until: .generous), script)

        #expect(throws: AuthenticationError.rejectedByPeer) {
            try Connection.connect(to: address, key: anotherKey, policy: .compatible, until: .generous)
        }
        #expect(try script.nextReport() == "AuthenticationError digest received was wrong")

        if peer.isLegacy {
            #expect(throws: AuthenticationError.digestForbidden(.md5, in: .challenge, dialect: .legacy)) {
                try Connection.connect(to: address, key: key, policy: .modern, until: .generous)
            }
            #expect(try script.nextReport().hasPrefix("EOFError"))
        } else {
            try expectExchange(
                try Connection.connect(to: address, key: key, policy: .modern, until: .generous), script)
        }
        try script.finish()
    }

    @Test(
        "a Python client and this listener authenticate each other, and part where their keys differ",
        arguments: Peer.installed)
    func pythonConnects(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: .unix(path: directory.file("swift")))
        let source = """
            for key in [b"secret", b"another", b"secret"]:
                exchange(lambda: connect(sys.argv[1], authkey=key))
            """
        func accept(_ policy: AuthenticationPolicy) throws -> Connection {
            try listener.accept(key: key, policy: policy, handshakeTimeout: .seconds(300), until: .generous)
        }
        let script = try Script(peer, Self.exchange + source, [listener.address.description])
        try expectExchange(try accept(.compatible), script)

        #expect(throws: AuthenticationError.wrongKey) { try accept(.compatible) }
        #expect(try script.nextReport() == "AuthenticationError digest sent was rejected")

        if peer.isLegacy {
            #expect(throws: AuthenticationError.digestForbidden(.md5, in: .response, dialect: .legacy)) {
                try accept(.modern)
            }
            #expect(try script.nextReport() == "AuthenticationError digest sent was rejected")
        } else {
            try expectExchange(try accept(.modern), script)
        }
        try script.finish()
    }

    @Test(
        "with every digest, whoever challenges with it, modern Pythons and Swift authenticate each other",
        .enabled(if: !Peer.modern.isEmpty, "there is no CPython from 3.12 on"), arguments: Peer.modern)
    func digests(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: .unix(path: directory.file("swift")))
        // Each side challenges, once as the listener and once as the client.
        let source = """
            here, there, *digests = sys.argv[1:]
            listener = listen("AF_UNIX", here)
            def deliver(channel, digest):
                connection.deliver_challenge(channel, b"secret", digest)
            def answer(channel, digest):
                connection.answer_challenge(channel, b"secret")
            def run(channel, digest, *halves):
                with channel:
                    for half in halves:
                        half(channel, digest)
                    channel.send_bytes(digest.encode())
            for digest in digests:
                run(listener.accept(), digest, deliver, answer)
                run(connect(there), digest, answer, deliver)
            """
        let names = DigestAlgorithm.allCases.map(\.rawValue)
        let arguments = [directory.file("python"), listener.address.description] + names
        let script = try Script(peer, source, arguments)
        let address = try Address(parsing: try script.nextReport())
        for digest in DigestAlgorithm.allCases {
            let policy = digest == .md5 ? AuthenticationPolicy.compatible : .modern
            let connected = try Connection.connect(
                to: address, key: key, policy: policy, digest: digest, until: .generous)
            #expect(try connected.receive(until: .generous) == Array(digest.rawValue.utf8))
            let accepted = try listener.accept(
                key: key, policy: policy, digest: digest, handshakeTimeout: .seconds(300), until: .generous)
            #expect(try accepted.receive(until: .generous) == Array(digest.rawValue.utf8))
        }
        try script.finish()
    }

    @Test(
        "the modern policy refuses modern Pythons that ask for MD5",
        .enabled(if: !Peer.modern.isEmpty, "there is no CPython from 3.12 on"), arguments: Peer.modern)
    func modernMD5(peer: Peer) throws {
        let pair = try SocketPair()
        let source = """
            try:
                connection.deliver_challenge(connection.Connection(3), b"secret", "md5")
            except EOFError:
                report("EOFError")
            """
        let script = try Script(peer, source, descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        let connection = Connection(pair.first)
        #expect(throws: AuthenticationError.digestForbidden(.md5, in: .challenge, dialect: .modern)) {
            try connection.answerChallenge(key: key, policy: .modern, until: .generous)
        }
        #expect(try script.nextReport() == "EOFError")
        try script.finish()
    }
}
