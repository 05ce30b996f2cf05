import Framing
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Listeners")
struct ListenerTests {
    @Test(
        "a client connects, and the listener tells where it listens and who came",
        arguments: ["unix", "abstract", "127.0.0.1", "::1", "localhost"], [Deadline.never, .generous])
    func connect(kind: String, deadline: Deadline) throws {
        let directory = try TemporaryDirectory()
        let wanted: Address =
            switch kind {
            case "unix": .unix(path: directory.file("socket"))
            case "abstract": .abstract(name: directory.path)
            default: .tcp(host: kind, port: 0)
            }
        let listener = try Listener(at: wanted)
        if case .tcp(let host, let port) = listener.address {
            #expect(port != 0)
            #expect(host == kind || kind == "localhost")
        } else {
            #expect(listener.address == wanted)
        }
        #expect(listener.lastAcceptedAddress == nil)
        let client = try Connection.connect(to: listener.address, until: deadline)
        let server = try listener.accept(until: deadline)
        switch listener.lastAcceptedAddress {
        case .tcp(_, let port): #expect(try client.withDescriptor { try? $0.localAddress().port } == port)
        case let address: #expect(address == .unix(path: ""))
        }
        try client.send([1])
        #expect(try server.receive() == [1])
        try server.send([2])
        #expect(try client.receive() == [2])
    }

    @Test("a bound client's address is told")
    func clientAddress() throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: .unix(path: directory.file("socket")))
        let socket = try OwnedFileDescriptor.socket(family: try SocketAddress(unixPath: "/x").family)
        try socket.descriptor.bind(to: try SocketAddress(unixPath: directory.file("client")))
        try socket.descriptor.connect(to: try SocketAddress(unixPath: directory.file("socket")))
        let server = try listener.accept(until: .generous)
        #expect(listener.lastAcceptedAddress == .unix(path: directory.file("client")))
        _ = server
    }

    @Test("accepting gives up at its deadline, and later works all the same")
    func deadline() throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: .unix(path: directory.file("socket")))
        #expect(throws: FramingError.timedOut) { try listener.accept(until: .now) }
        #expect(throws: FramingError.timedOut) { try listener.accept(until: .after(.milliseconds(5))) }
        let client = try Connection.connect(to: listener.address)
        _ = try listener.accept(until: .generous)
        #expect(!client.isClosed)
    }

    @Test("connecting gives up at its deadline when the backlog is full")
    func fullBacklog() throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: .unix(path: directory.file("socket")), backlog: 1)
        var clients: [Connection] = []
        #expect(throws: FramingError.timedOut) {
            while clients.count < 100 {
                clients.append(try Connection.connect(to: listener.address, until: .after(.milliseconds(20))))
            }
        }
        for _ in clients { _ = try listener.accept(until: .generous) }
        clients.append(try Connection.connect(to: listener.address, until: .generous))
    }

    @Test("connecting to where nobody listens is an error", arguments: [Deadline.never, .generous])
    func refused(deadline: Deadline) throws {
        let directory = try TemporaryDirectory()
        #expect(throws: FramingError.system(.noSuchFileOrDirectory)) {
            try Connection.connect(to: .unix(path: directory.file("none")), until: deadline)
        }
        // Bound and not listening: nobody else gets the port meanwhile.
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        let socket = try OwnedFileDescriptor.socket(family: address.family)
        try socket.descriptor.bind(to: address)
        let port = try #require(try socket.descriptor.localAddress().port)
        #expect(throws: FramingError.system(.connectionRefused)) {
            try Connection.connect(to: .tcp(host: "127.0.0.1", port: port), until: deadline)
        }
        #expect(throws: FramingError.system(.nameTooLong)) {
            try Connection.connect(to: .unix(path: String(repeating: "x", count: 200)), until: deadline)
        }
    }

    @Test("a live listener's address is in use, and the live one goes on", arguments: ["unix", "abstract", "tcp"])
    func inUse(kind: String) throws {
        let directory = try TemporaryDirectory()
        let first = try Listener(
            at: kind == "unix"
                ? .unix(path: directory.file("socket"))
                : kind == "tcp" ? .tcp(host: "127.0.0.1", port: 0) : .abstract(name: directory.path))
        #expect(throws: FramingError.system(.addressInUse)) { try Listener(at: first.address) }
        let client = try Connection.connect(to: first.address)
        try client.send([1])
        // What asked whether somebody listens may have come before the client.
        var message: [UInt8]?
        while message == nil { message = try? first.accept(until: .generous).receive() }
        #expect(message == [1])
    }

    @Test("a socket file that its listener left behind is replaced")
    func staleSocketFile() throws {
        #expect(try runHelper("FramingHelper", ["stale-socket-file"]) == .success)
    }

    @Test("a file that is no socket, and a link, are not replaced")
    func otherFiles() throws {
        #expect(try runHelper("FramingHelper", ["other-files"]) == .success)
    }

    @Test("closing removes the socket file, frees the address and makes every use an error")
    func close() throws {
        #expect(try runHelper("FramingHelper", ["closed-listener"]) == .success)
    }

    @Test("a listener that is dropped removes its socket file")
    func dropped() throws {
        #expect(try runHelper("FramingHelper", ["dropped-listener"]) == .success)
    }

    @Test("another's file under the same name is not removed")
    func replacedFile() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let listener = try Listener(at: .unix(path: path))
        // The old one is moved, not removed, so that its number is not given to the new file.
        #expect(rename(path, directory.file("moved")) == 0)
        let other = try Listener(at: .unix(path: path))
        listener.close()
        #expect(exists(path))
        let client = try Connection.connect(to: .unix(path: path), until: .generous)
        _ = try other.accept(until: .generous)
        other.close()
        #expect(!exists(path))
        #expect(!client.isClosed)
    }

    @Test("closing a listener wakes a thread that waits for a client", arguments: [true, false])
    func closeWakes(hasDeadline: Bool) throws {
        let directory = try TemporaryDirectory()
        // Often, since the thread may be at any place by then.
        for round in 0..<100 {
            let isTCP = round.isMultiple(of: 2)
            let listener = try Listener(
                at: isTCP ? .tcp(host: "127.0.0.1", port: 0) : .unix(path: directory.file("socket")))
            let accepting = try Background { _ = try listener.accept(until: hasDeadline ? .generous : .never) }
            for _ in 0..<round { sched_yield() }
            listener.close()
            #expect(throws: FramingError.closed) { try accepting.get() }
        }
    }

    @Test("a listener without room for another descriptor says so, and the client is not lost")
    func noRoom() throws {
        #expect(try runHelper("FramingHelper", ["accept-without-room"]) == .success)
    }
}
