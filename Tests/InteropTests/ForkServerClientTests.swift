import Auth
import FDPassing
import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// What clients can do to a fork server at an address, and what it costs the others.
@Suite("Interop: fork server's clients") struct ForkServerClientTests {
    @Test("a request that is none costs its sender the connection, and nobody else anything")
    func malformed() throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        // Bytes without descriptors: a count that is not true.
        for garbage in [[UInt8(4)], Array("GET / HTTP/1.1\r\n\r\n".utf8), [UInt8](repeating: 0, count: 100_000)] {
            let socket = try peer.connect()
            try? socket.descriptor.writeAll(garbage)
            try socket.descriptor.expectEnd()
        }
        for count in [1, 2, 3] {
            let socket = try peer.connect()
            try socket.descriptor.sendDescriptors([FileDescriptor](repeating: .standardError, count: count))
            try socket.descriptor.expectEnd()
        }
        // More descriptors than the byte says, and fewer.
        for claimed in [3, 5, 253] as [UInt8] {
            let socket = try peer.connect()
            try socket.descriptor.send([claimed], passing: [FileDescriptor](repeating: .standardError, count: 4))
            try socket.descriptor.expectEnd()
        }
        // A status that cannot be written without waiting for somebody.
        let directory = try TemporaryDirectory()
        let file = try directory.create("file")
        let null = try OwnedFileDescriptor.open("/dev/null", .readWrite)
        for status in [file.descriptor, null.descriptor] {
            let socket = try peer.connect()
            try socket.descriptor.sendDescriptors([.standardError, status, .standardError, .standardError])
            try socket.descriptor.expectEnd()
        }
        let child = try peer.spawn("exit 3")
        _ = try child.processID()
        #expect(try child.exitCode() == 3)
        #expect(try peer.settles(to: base))
        let outcome = try peer.endInput()
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.split(separator: "\n").count == 11, "\(outcome.errors)")
    }

    @Test("what follows a request on its connection is nobody's, and a second request is not served")
    func surplus() throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        let requests = try Pipe()
        let statuses = try Pipe()
        let socket = try peer.connect()
        let own = [requests.readEnd.descriptor, statuses.writeEnd.descriptor, .standardError, .standardError]
        // The most that go into one message; then another.
        try socket.descriptor.sendDescriptors(own + [FileDescriptor](repeating: .standardError, count: 249))
        try? socket.descriptor.sendDescriptors(own)
        try socket.descriptor.expectEnd()
        try statuses.writeEnd.close()
        try requests.writeEnd.descriptor.writeAll("exit 9\n")
        _ = try statuses.readEnd.descriptor.readNumber()
        #expect(try statuses.readEnd.descriptor.readNumber() == 9)
        #expect(try statuses.readEnd.descriptor.readToEnd().isEmpty)
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test(
        "hundreds of silent clients, and those in the midst of a handshake, hold up nobody", arguments: [false, true])
    func silence(hasKey: Bool) throws {
        let directory = try TemporaryDirectory()
        let peer =
            hasKey
            ? try ForkServerPeer("--address", "fresh", "--key-file", try writeKey("secret", in: directory))
            : try ForkServerPeer("--address", "fresh")
        let key = hasKey ? "secret" : nil
        let base = try peer.descriptorCount()
        // More than may wait at a time: it is the silent ones who make room.
        var silent = DescriptorBatch()
        for number in 0..<400 {
            let socket = try peer.connectWithoutKey()
            // Half a header, or half a challenge.
            if hasKey { try? socket.descriptor.writeAll(number % 2 == 0 ? [0, 0] : [0, 0, 0, 20, 1, 2, 3]) }
            silent.append(socket)
        }
        for code in 0..<20 {
            let child = try peer.spawn("exit \(code)", key: key)
            _ = try child.processID()
            #expect(try child.exitCode() == code)
        }
        silent = DescriptorBatch()
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test("at the limit of open files, silent clients make room for the others")
    func limitOfOpenFiles() throws {
        let peer = try ForkServerPeer("--address", "fresh", openFiles: 64)
        let base = try peer.descriptorCount()
        var silent = DescriptorBatch()
        for _ in 0..<100 { silent.append(try peer.connectWithoutKey()) }
        for code in 0..<20 {
            let child = try peer.spawn("exit \(code)")
            _ = try child.processID()
            #expect(try child.exitCode() == code)
        }
        silent = DescriptorBatch()
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test("a client that is silent, or stays in the midst of a handshake, is let go when its time is up")
    func timeouts() throws {
        let directory = try TemporaryDirectory()
        let peer = try ForkServerPeer(
            "--address", "fresh", "--timeout", "100", "--key-file", try writeKey("secret", in: directory))
        let base = try peer.descriptorCount()
        let silent = try peer.connectWithoutKey()
        let dawdling = try peer.connectWithoutKey()
        try dawdling.descriptor.writeAll([0, 0, 0, 20, 1, 2, 3])
        for socket in [silent.descriptor, dawdling.descriptor] { while try !socket.isAtEnd() {} }
        let authenticated = try peer.connect(key: "secret")
        try authenticated.descriptor.expectEnd()
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test("in the handshake, wrong keys, wrong frames and endless ones are refused")
    func handshakes() throws {
        let directory = try TemporaryDirectory()
        let peer = try ForkServerPeer(
            "--address", "fresh", "--key-file", try writeKey("secret", in: directory))
        let base = try peer.descriptorCount()
        #expect(throws: AuthenticationError.rejectedByPeer) { _ = try peer.connect(key: "guess") }
        let frames: [[UInt8]] = [
            [0xff, 0xff, 0xff, 0xff], [0x7f, 0xff, 0xff, 0xff], [0, 0, 1, 1], [0, 0, 0, 0],
            [0, 0, 0, 9] + Array("#WELCOME#".utf8), [UInt8](repeating: 1, count: 50_000),
        ]
        for frame in frames {
            let socket = try peer.connectWithoutKey()
            try? socket.descriptor.writeAll(frame)
            if frame == [0xff, 0xff, 0xff, 0xff] {
                try? socket.descriptor.writeAll([UInt8](repeating: 0xff, count: 8))
            }
            while try !socket.descriptor.isAtEnd() {}
        }
        // The request before the handshake, its descriptors beside what is no frame.
        let hasty = try ForeignClient(try peer.connectWithoutKey(), "exit 0")
        #expect(throws: Errno.noData) { try hasty.processID() }
        let child = try peer.spawn("exit 5", key: "secret")
        _ = try child.processID()
        #expect(try child.exitCode() == 5)
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput().status == .exited(0))
    }

    @Test("a client that vanishes at any point costs the server nothing")
    func vanishing() throws {
        let directory = try TemporaryDirectory()
        for key in [nil, "secret"] {
            let peer =
                key == nil
                ? try ForkServerPeer("--address", "fresh")
                : try ForkServerPeer("--address", "fresh", "--key-file", try writeKey("secret", in: directory))
            let base = try peer.descriptorCount()
            for _ in 0..<50 {
                // Connected.
                try peer.connectWithoutKey().close()
                // Authenticated.
                try peer.connect(key: key).close()
                // Without a reader of the status, and without anything to do.
                let requests = try Pipe()
                let statuses = try Pipe()
                try statuses.readEnd.close()
                let socket = try peer.connect(key: key)
                try socket.descriptor.sendDescriptors([
                    requests.readEnd.descriptor, statuses.writeEnd.descriptor, .standardError, .standardError,
                ])
                // Before the child's number.
                _ = try peer.spawn("exit 1", key: key)
                // After it: the child that waits for its client's end sees it.
                let child = try peer.spawn("wait", key: key)
                _ = try child.processID()
            }
            #expect(try peer.settles(to: base))
            #expect(try peer.endInput() == .success)
        }
    }

    @Test("a client's full status pipe holds up nobody, and neither does one whose status is a socket")
    func statuses() throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        let full = try Pipe()
        try full.writeEnd.descriptor.setBlocking(false)
        while (try? full.writeEnd.descriptor.writeAll([UInt8](repeating: 0, count: 4096))) != nil {}
        try full.writeEnd.descriptor.setBlocking(true)
        let requests = try Pipe()
        let first = try peer.connect()
        try first.descriptor.sendDescriptors([
            requests.readEnd.descriptor, full.writeEnd.descriptor, .standardError, .standardError,
        ])
        let sockets = try SocketPair()
        let others = try Pipe()
        let mine = sockets.first
        let second = try peer.connect()
        try second.descriptor.sendDescriptors([
            others.readEnd.descriptor, sockets.second.descriptor, .standardError, .standardError,
        ])
        try sockets.second.close()
        _ = try mine.descriptor.readNumber()
        try requests.writeEnd.descriptor.writeAll("exit 5\n")
        try others.writeEnd.descriptor.writeAll("exit 6\n")
        #expect(try mine.descriptor.readNumber() == 6)
        #expect(try peer.settles(to: base))
        // The pipe is the client's: that it waits is not changed.
        #expect(try !full.writeEnd.descriptor.statusFlags().contains(.nonBlocking))
        #expect(try peer.endInput() == .success)
    }

    @Test("a child that asked for it is killed with its client, however busy it is")
    func clientsEnd() throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        let busy = try Pipe()
        let child = try peer.spawn("spin", [busy.writeEnd.descriptor])
        _ = try child.processID()
        #expect(try busy.readEnd.descriptor.readLine() == "busy")
        try child.request.close()
        #expect(try child.status.descriptor.readNumber() == -9)
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    // MARK: The end

    @Test("a server that is kept alive outlives its program, until the last holder of the pipe is gone")
    func alive() throws {
        let alive = try Pipe()
        let peer = try ForkServerPeer("--address", "fresh", alive: alive.readEnd.descriptor)
        try alive.readEnd.close()
        let server = peer.server
        let path = peer.path
        let child = try ForeignClient(try peer.connect(), "wait", alive: alive.writeEnd.descriptor)
        _ = try child.processID()
        let address = peer.address
        #expect(try peer.endInput() == .success)
        let second = try ForeignClient(
            try Connection.connect(to: address, until: .generous).takeDescriptor(), "exit 2",
            alive: alive.writeEnd.descriptor)
        _ = try second.processID()
        #expect(try second.exitCode() == 2)
        try alive.writeEnd.close()
        // The first child still has one.
        let third = try ForeignClient(
            try Connection.connect(to: address, until: .generous).takeDescriptor(), "exit 4")
        _ = try third.processID()
        #expect(try third.exitCode() == 4)
        #expect(server.isRunning)
        try child.request.close()
        #expect(try child.status.descriptor.readNumber() == 0)
        #expect(try server.ends())
        #expect(!exists(path))
    }

    @Test("a server that nobody keeps alive ends with its program, also a killed one, and its children with it")
    func programsEnd() throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let server = peer.server
        let path = peer.path
        let child = try peer.spawn("wait")
        _ = try child.processID()
        try peer.process.send(.kill)
        #expect(try child.exitCode() == -Int(Signal.terminate.rawValue))
        #expect(try server.ends())
        #expect(!exists(path))
        #expect(try peer.waitForOutcome().status == .signaled(9, coreDumped: false))
    }

    @Test("a path that a dead server has left behind is used again, and one that is in use is an error")
    func paths() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let first = try ForkServerPeer("--address", "unix:" + path)
        #expect(try FileStatus(ofFileAt: path).permissions & 0o077 == 0)
        let second = try ForkbenchPeer("fork-server", "--address", "unix:" + path)
        let outcome = try second.waitForOutcome()
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("it cannot listen at \(path)"), "\(outcome.errors)")
        try first.server.send(.kill)
        #expect(try first.server.ends())
        let third = try ForkServerPeer("--address", "unix:" + path)
        let child = try third.spawn("exit 1")
        _ = try child.processID()
        #expect(try child.exitCode() == 1)
        #expect(try third.endInput() == .success)
        #expect(!exists(path))
        #expect(try first.endInput().status == .exited(0))
    }
}
