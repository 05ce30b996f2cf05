import Auth
import Framing
import Syscalls
import Testing

/// Real peers: the `multiprocessing.connection` of several CPythons, both ways round.
@Suite("Handshakes: with Python")
struct HandshakePythonTests {
    static let versions = ["3.6", "3.8", "3.11", "3.12", "3.13"]
    static let legacyVersions = ["3.8", "3.11"]
    static let installed = versions.filter { PythonPeer.interpreters[$0] != nil }

    @Test(
        "a Python listener and this client authenticate each other",
        .enabled(if: !installed.isEmpty, "pyenv has no CPython 3.6, 3.8, 3.11, 3.12 or 3.13"), arguments: installed)
    func pythonListener(version: String) async throws {
        try await onThread {
            let directory = try TemporaryDirectory()
            let (peer, address) = try Self.listen(version, in: directory)
            let connection = try Connection.connect(
                to: address, key: .named("secret"), policy: .compatible, until: .generous)
            try connection.send(Array("from Swift".utf8))
            #expect(try connection.receive(until: .generous) == Array("from Python".utf8))
            #expect(try peer.readLine() == "received from Swift")
        }
    }

    @Test(
        "a Python client and this listener authenticate each other",
        .enabled(if: !installed.isEmpty, "pyenv has no CPython 3.6, 3.8, 3.11, 3.12 or 3.13"), arguments: installed)
    func pythonClient(version: String) async throws {
        try await onThread {
            let directory = try TemporaryDirectory()
            let (peer, listener) = try Self.connect(version, in: directory)
            let connection = try listener.accept(
                key: .named("secret"), policy: .compatible, handshakeTimeout: .seconds(300), until: .generous)
            try connection.send(Array("from Swift".utf8))
            #expect(try connection.receive(until: .generous) == Array("from Python".utf8))
            #expect(try peer.readLine() == "received from Swift")
        }
    }

    @Test(
        "a Python listener rejects this client's wrong key",
        .enabled(if: !installed.isEmpty, "pyenv has no CPython 3.6, 3.8, 3.11, 3.12 or 3.13"), arguments: installed)
    func wrongKeyOfClient(version: String) async throws {
        try await onThread {
            let directory = try TemporaryDirectory()
            let (peer, address) = try Self.listen(version, in: directory)
            #expect(throws: AuthenticationError.rejectedByPeer) {
                try Connection.connect(to: address, key: .named("another"), policy: .compatible, until: .generous)
            }
            #expect(try peer.readLine() == "AuthenticationError digest received was wrong")
        }
    }

    @Test(
        "a Python client with a wrong key is rejected here, and understands that",
        .enabled(if: !installed.isEmpty, "pyenv has no CPython 3.6, 3.8, 3.11, 3.12 or 3.13"), arguments: installed)
    func wrongKeyOfPython(version: String) async throws {
        try await onThread {
            let directory = try TemporaryDirectory()
            let (peer, listener) = try Self.connect(version, in: directory)
            #expect(throws: AuthenticationError.wrongKey) {
                try listener.accept(
                    key: .named("another"), policy: .compatible, handshakeTimeout: .seconds(300), until: .generous)
            }
            #expect(try peer.readLine() == "AuthenticationError digest sent was rejected")
        }
    }

    static let legacyInstalled = legacyVersions.filter { PythonPeer.interpreters[$0] != nil }

    @Test(
        "the modern policy refuses legacy Pythons, as listeners and as clients",
        .enabled(if: !legacyInstalled.isEmpty, "pyenv has no CPython 3.8 or 3.11"), arguments: legacyInstalled)
    func modernPolicy(version: String) async throws {
        try await onThread {
            let directory = try TemporaryDirectory()
            let (listening, address) = try Self.listen(version, in: directory)
            #expect(throws: AuthenticationError.digestForbidden(.md5, in: .challenge, dialect: .legacy)) {
                try Connection.connect(to: address, key: .named("secret"), until: .generous)
            }
            #expect(try listening.readLine().hasPrefix("EOFError"))

            let (connecting, listener) = try Self.connect(version, in: directory)
            #expect(throws: AuthenticationError.digestForbidden(.md5, in: .response, dialect: .legacy)) {
                try listener.accept(key: .named("secret"), handshakeTimeout: .seconds(300), until: .generous)
            }
            #expect(try connecting.readLine() == "AuthenticationError digest sent was rejected")
        }
    }

    @Test(
        "modern Pythons understand every digest, and are understood",
        .enabled(if: PythonPeer.interpreters["3.13"] != nil, "pyenv has no CPython 3.13"),
        arguments: DigestAlgorithm.allCases)
    func digests(digest: DigestAlgorithm) async throws {
        try await onThread {
            let directory = try TemporaryDirectory()
            let (peer, address) = try Self.listen("3.13", digest: digest, in: directory)
            let policy = digest == .md5 ? AuthenticationPolicy.compatible : .modern
            let connection = try Connection.connect(
                to: address, key: .named("secret"), policy: policy, digest: digest, until: .generous)
            try connection.send(Array("from Swift".utf8))
            #expect(try connection.receive(until: .generous) == Array("from Python".utf8))
            #expect(try peer.readLine() == "received from Swift")
        }
    }

    /// Starts a Python program that listens with the key `secret`.
    private static func listen(
        _ version: String, digest: DigestAlgorithm? = nil, in directory: TemporaryDirectory
    ) throws -> (PythonPeer, Address) {
        let path = "\(directory.path)/python"
        let peer = try PythonPeer(version, program, ["listen", path] + (digest.map { [$0.rawValue] } ?? []))
        try #require(peer.readLine() == "listening")
        return (peer, .unix(path: path))
    }

    /// Starts a Python program that connects with the key `secret`.
    private static func connect(
        _ version: String, in directory: TemporaryDirectory
    ) throws -> (PythonPeer, Listener) {
        let path = "\(directory.path)/swift"
        let listener = try Listener(at: .unix(path: path))
        return (try PythonPeer(version, program, ["connect", path]), listener)
    }

    /// Sends and receives one message, or prints the error.
    private static let program = """
        import multiprocessing, sys
        from multiprocessing import connection

        role, path, digest = (sys.argv + [None])[1:4]
        try:
            if role == "listen":
                listener = connection.Listener(path, authkey=None if digest else b"secret")
                print("listening", flush=True)
                peer = listener.accept()
                if digest:
                    connection.deliver_challenge(peer, b"secret", digest)
                    connection.answer_challenge(peer, b"secret")
            else:
                peer = connection.Client(path, authkey=b"secret")
            peer.send_bytes(b"from Python")
            print("received", peer.recv_bytes().decode())
        except (multiprocessing.AuthenticationError, EOFError, OSError) as error:
            print(type(error).__name__, error)
        """
}
