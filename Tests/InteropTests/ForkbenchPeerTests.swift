import Auth
import FDPassing
import Framing
import Syscalls
import TestSupport
import Testing

/// What `forkbench peer` does whoever talks to it.
@Suite("Interop: forkbench peer") struct ForkbenchPeerTests {
    private func key() throws -> AuthenticationKey { try AuthenticationKey(Array("secret".utf8)) }

    @Test("clients that are silent, that do not read or that dawdle in the handshake hold up nobody")
    func slowClients() throws {
        let directory = try TemporaryDirectory()
        let peer = try ForkbenchPeer(
            "listen", "--address", "unix:" + directory.file("socket"), "--key-file",
            try writeKey("secret", in: directory))
        let address = try peer.listeningAddress()
        let silent = try Connection.connect(to: address, until: .generous)
        let dawdling = try Connection.connect(to: address, until: .generous)
        try dawdling.withDescriptor { socket throws(FramingError) in
            do throws(Errno) { try socket.writeAll([0]) } catch { throw .system(error) }
        }
        let idle = try Connection.connect(to: address, key: try key(), until: .generous)
        let deaf = try Connection.connect(to: address, key: try key(), until: .generous)
        // More than the sockets take: it stays in the middle of sending it back.
        try deaf.send(pattern(8 << 20), until: .generous)
        let connection = try Connection.connect(to: address, key: try key(), until: .generous)
        try expectEcho(connection)
        try expectEcho(idle)
        #expect(!silent.isClosed)
        #expect(try peer.endInput().status == .exited(0))
        #expect(!exists(directory.file("socket")))
    }

    @Test("a client's failure is one line, and the others are served")
    func failures() throws {
        let peer = try ForkbenchPeer("listen", "--address", "tcp:127.0.0.1:0")
        let address = try peer.listeningAddress()
        let wrong = try Connection.connect(to: address, until: .generous)
        try wrong.withDescriptor { socket throws(FramingError) in
            do throws(Errno) { try socket.writeAll([0xff, 0xff, 0xff, 0xfe]) } catch { throw .system(error) }
        }
        #expect(throws: FramingError.endOfFile) { try wrong.receive(until: .generous) }
        let connection = try Connection.connect(to: address, until: .generous)
        try expectEcho(connection)
        connection.close()
        #expect(
            try peer.endInput()
                == HelperOutcome(
                    status: .exited(0),
                    errors: "forkbench: peer: client 1: the peer sent a header with the length -2\n"))
    }

    @Test("descriptors that come right behind the handshake are sent back as others are")
    func descriptorsBehindHandshake() throws {
        let directory = try TemporaryDirectory()
        let peer = try ForkbenchPeer(
            "listen", "--address", "unix:" + directory.file("socket"), "--mode", "descriptors", "--key-file",
            try writeKey("secret", in: directory))
        let connection = try Connection.connect(to: try peer.listeningAddress(), until: .generous)
        try connection.answerChallenge(key: try key(), until: .generous)
        try connection.send(Array("#CHALLENGE#{sha256}".utf8) + pattern(40))
        #expect(try connection.receive(until: .generous).starts(with: "{sha256}".utf8))
        // It finds the handshake's last message and what follows together.
        try peer.process.send(.stop)
        try connection.send(Array("#WELCOME#".utf8))
        let file = try directory.create("file")
        let socket = try connection.takeDescriptor()
        try socket.descriptor.sendDescriptors([file.descriptor, file.descriptor])
        try peer.process.send(.resume)
        for _ in 0..<2 {
            let returned = try socket.descriptor.receiveDescriptors(2)
            let files = try returned.remaining.map { try $0.status().identity }
            #expect(try files == Array(repeating: file.descriptor.status().identity, count: 2))
            try socket.descriptor.sendDescriptors(returned.remaining)
        }
        #expect(try peer.endInput() == .success)
    }

    @Test("the digest asked for is in its challenge", arguments: DigestAlgorithm.allCases)
    func digest(digest: DigestAlgorithm) throws {
        let directory = try TemporaryDirectory()
        let peer = try ForkbenchPeer(
            "listen", "--address", "unix:" + directory.file("socket"), "--key-file",
            try writeKey("secret", in: directory), "--digest", digest.rawValue, "--policy", "compatible")
        let connection = try Connection.connect(to: try peer.listeningAddress(), until: .generous)
        let challenge = try connection.receive(until: .generous)
        #expect(challenge.starts(with: "#CHALLENGE#{\(digest.rawValue)}".utf8))
        #expect(try peer.endInput().status == .exited(0))
    }

    @Test(
        "bad options are one line that says what to do",
        arguments: [
            ([], "expected “listen” or “connect”"),
            (["listen"], "expected --address unix:PATH or --address tcp:HOST:PORT"),
            (["listen", "--address", "here"], "unix:PATH, abstract:NAME or tcp:HOST:PORT"),
            (["listen", "--address", "tcp:127.0.0.1:0", "--mode", "descriptors"], "give --address unix:PATH"),
            (["listen", "--address", "unix:x", "--mode", "loud"], "expected one of: echo descriptors"),
            (["listen", "--address", "unix:x", "--policy", "modern"], "add --key-file FILE"),
            (["connect", "--address", "unix:x", "--key-file", "/nowhere"], "/nowhere cannot be read"),
            (["connect", "--address", "unix:x", "--adress", "y"], "unknown option “--adress”"),
        ])
    func badOptions(arguments: [String], expected: String) throws {
        let outcome = try runHelper("forkbench", ["peer"] + arguments)
        #expect(outcome.status == .exited(2))
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("forkbench: ") && outcome.errors.contains(expected))
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test("a policy that refuses the digest is a bad option")
    func digestAgainstPolicy() throws {
        let directory = try TemporaryDirectory()
        let key = try writeKey("secret", in: directory)
        let outcome = try runHelper(
            "forkbench", ["peer", "listen", "--address", "unix:x", "--key-file", key, "--digest", "md5"])
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains("add --policy compatible"))
    }

    @Test("an address that cannot be listened at, or where nobody listens, is one line and exit code 1")
    func addresses() throws {
        let directory = try TemporaryDirectory()
        for (role, path) in [("listen", "/nowhere/socket"), ("connect", directory.file("nobody"))] {
            let outcome = try runHelper("forkbench", ["peer", role, "--address", "unix:" + path])
            #expect(
                outcome
                    == HelperOutcome(
                        status: .exited(1),
                        errors: "forkbench: peer: \(role) at unix:\(path): No such file or directory (ENOENT)\n"))
        }
    }
}
