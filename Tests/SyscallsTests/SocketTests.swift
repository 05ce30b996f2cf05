import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Sockets")
struct SocketTests {
    private func listener(at address: SocketAddress, backlog: Int = 8) throws -> OwnedFileDescriptor {
        let socket = try OwnedFileDescriptor.socket(family: address.family)
        try socket.descriptor.bind(to: address)
        try socket.descriptor.listen(backlog: backlog)
        return socket
    }

    @Test(
        "a client connects and both sides talk, over each address family, with a deadline and without",
        arguments: ["unix", "abstract", "127.0.0.1", "::1"], [true, false])
    func connect(kind: String, hasDeadline: Bool) throws {
        let directory = try TemporaryDirectory()
        let wanted =
            switch kind {
            case "unix": try SocketAddress(unixPath: directory.file("socket"))
            case "abstract": try SocketAddress(unixPath: "\0" + directory.path)
            default: try SocketAddress.resolve(host: kind, port: 0)[0]
            }
        let listener = try listener(at: wanted)
        let bound = try listener.descriptor.localAddress()
        #expect(bound.family == wanted.family)
        #expect(bound.unixPath == wanted.unixPath)
        #expect(bound.host == wanted.host)
        if let port = bound.port { #expect(port != 0) }
        let deadline: Deadline = hasDeadline ? .generous : .never
        let client = try OwnedFileDescriptor.connect(to: bound, until: deadline)
        let accepted = try listener.descriptor.accept(until: deadline)
        #expect(try client.descriptor.peerAddress().unixPath == bound.unixPath)
        #expect(try client.descriptor.peerAddress().port == bound.port)
        #expect(try accepted.peer.port == client.descriptor.localAddress().port)
        // Both are blocking, whatever waiting with a deadline took.
        #expect(try !client.descriptor.statusFlags().contains(.nonBlocking))
        #expect(try !accepted.socket.descriptor.statusFlags().contains(.nonBlocking))
        try client.descriptor.writeAll("ping")
        #expect(try accepted.socket.descriptor.readExactly(4) == Array("ping".utf8))
        try accepted.socket.descriptor.writeAll("pong")
        #expect(try client.descriptor.readExactly(4) == Array("pong".utf8))
    }

    @Test("accepting and connecting give up at their deadlines")
    func deadlines() throws {
        let directory = try TemporaryDirectory()
        let address = try SocketAddress(unixPath: directory.file("socket"))
        let listener = try listener(at: address, backlog: 1)
        #expect(throws: Errno.timedOut) { _ = try listener.descriptor.accept(until: .now) }
        #expect(throws: Errno.timedOut) { _ = try listener.descriptor.accept(until: .after(.milliseconds(10))) }
        try listener.descriptor.setBlocking(false)
        #expect(throws: Errno.timedOut) { _ = try listener.descriptor.accept(until: .after(.milliseconds(10))) }

        let first = try OwnedFileDescriptor.connect(to: address)
        let second = try OwnedFileDescriptor.connect(to: address)
        // The backlog is full now.
        #expect(throws: Errno.timedOut) {
            _ = try OwnedFileDescriptor.connect(to: address, until: .after(.milliseconds(20)))
        }
        let third = try Background { try OwnedFileDescriptor.connect(to: address, until: .generous).take() }
        for _ in 0..<3 {
            let accepted = try listener.descriptor.accept(until: .generous)
            // A non-blocking listener's connections are blocking.
            #expect(try !accepted.socket.descriptor.statusFlags().contains(.nonBlocking))
        }
        let connected = OwnedFileDescriptor(owning: try third.get())
        for client in [first.descriptor, second.descriptor, connected.descriptor] {
            #expect(try client.readToEnd() == [])
        }
    }

    @Test("connecting to where nobody listens is refused")
    func refused() throws {
        let directory = try TemporaryDirectory()
        let missing = try SocketAddress(unixPath: directory.file("none"))
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try OwnedFileDescriptor.connect(to: missing) }
        // Bound and not listening: nobody else gets the port meanwhile.
        for address in try [
            SocketAddress(unixPath: directory.file("bound")), SocketAddress.resolve(host: "127.0.0.1", port: 0)[0],
        ] {
            let socket = try OwnedFileDescriptor.socket(family: address.family)
            try socket.descriptor.bind(to: address)
            let bound = try socket.descriptor.localAddress()
            for deadline in [Deadline.never, .generous] {
                #expect(throws: Errno.connectionRefused) {
                    _ = try OwnedFileDescriptor.connect(to: bound, until: deadline)
                }
            }
            #expect(throws: Errno.addressInUse) {
                let other = try OwnedFileDescriptor.socket(family: address.family)
                try other.descriptor.bind(to: bound)
            }
        }
    }

    @Test("shutting down the sending direction is end of file for the peer, who can still answer")
    func shutdown() throws {
        let pair = try SocketPair()
        try pair.first.descriptor.writeAll("last words")
        try pair.first.descriptor.shutdownSending()
        #expect(try pair.second.descriptor.readToEnd() == Array("last words".utf8))
        try pair.second.descriptor.writeAll("answer")
        #expect(try pair.first.descriptor.readExactly(6) == Array("answer".utf8))
        #expect(throws: Errno.brokenPipe) { try pair.first.descriptor.writeAll("x") }
    }

    @Test("shutting a socket down wakes the thread that reads from it")
    func shutdownWakes() throws {
        let pair = try SocketPair()
        let reader = try Background { [socket = pair.first.descriptor] in try socket.read(upTo: 1) }
        try pair.first.descriptor.shutdown()
        #expect(try reader.get() == [])
    }

    #if os(Linux)
        @Test("a sequenced-packet pair keeps messages apart")
        func messages() throws {
            let pair = try SocketPair(.sequencedPacket)
            try pair.first.descriptor.writeAll("one")
            try pair.first.descriptor.writeAll("two")
            #expect(try pair.second.descriptor.read(upTo: 100) == Array("one".utf8))
            #expect(try pair.second.descriptor.read(upTo: 100) == Array("two".utf8))
        }
    #endif

    @Test("accepting from a listener that was shut down is EINVAL, blocking or not", arguments: [true, false])
    func acceptAfterShutdown(isBlocking: Bool) throws {
        let directory = try TemporaryDirectory()
        let unix = try listener(at: try SocketAddress(unixPath: directory.file("socket")))
        let internet = try listener(at: try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first))
        for descriptor in [unix.descriptor, internet.descriptor] {
            try descriptor.setBlocking(isBlocking)
            try descriptor.shutdown()
            for deadline in [Deadline.never, .generous, .now] {
                do {
                    _ = try descriptor.accept(until: deadline)
                    Issue.record("somebody was accepted")
                } catch {
                    #expect(error == .invalidArgument)
                }
            }
        }
        withExtendedLifetime(directory) {}
        unix.discard()
        internet.discard()
    }

    @Test("options are set and told")
    func options() throws {
        let socket = try OwnedFileDescriptor.socket(family: AF_INET)
        #expect(try socket.descriptor.option(SOL_SOCKET, SO_REUSEADDR) == 0)
        try socket.descriptor.setOption(SOL_SOCKET, SO_REUSEADDR, to: 1)
        #expect(try socket.descriptor.option(SOL_SOCKET, SO_REUSEADDR) != 0)
        let pipe = try Pipe()
        #expect(throws: Errno.notSocket) { try pipe.readEnd.descriptor.option(SOL_SOCKET, SO_ERROR) }
        #expect(throws: Errno.notSocket) { try pipe.readEnd.descriptor.localAddress() }
        #expect(throws: Errno.notConnected) { try socket.descriptor.peerAddress() }
    }
}
