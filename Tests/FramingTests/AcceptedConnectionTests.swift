import Framing
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Connections that a listener accepts")
struct AcceptedConnectionTests {
    private func option(_ level: CInt, _ name: CInt, of connection: Connection) throws -> CInt? {
        try connection.withDescriptor { try? $0.option(level, name) }
    }

    @Test("both ends of a TCP connection send each message at once")
    func noDelay() throws {
        let listener = try Listener(at: .tcp(host: "127.0.0.1", port: 0))
        for deadline in [Deadline.never, .generous] {
            let client = try Connection.connect(to: listener.address, until: deadline)
            let server = try listener.accept(until: deadline)
            #expect(try option(CInt(IPPROTO_TCP), TCP_NODELAY, of: client) != 0)
            #expect(try option(CInt(IPPROTO_TCP), TCP_NODELAY, of: server) != 0)
        }
    }

    @Test("a listener's own descriptor does not block, and the connections do", arguments: ["unix", "tcp"])
    func blocking(kind: String) throws {
        let listener =
            try kind == "unix" ? Listener.atFreshAddress() : Listener(at: .tcp(host: "127.0.0.1", port: 0))
        #expect(try listener.withDescriptor { try? $0.statusFlags() }?.contains(.nonBlocking) == true)
        for deadline in [Deadline.never, .generous] {
            let client = try Connection.connect(to: listener.address, until: deadline)
            let server = try listener.accept(until: deadline)
            for connection in [client, server] {
                #expect(connection.isBlocking)
                #expect(try connection.withDescriptor { try? $0.statusFlags() }?.contains(.nonBlocking) == false)
            }
        }
        // It waits all the same.
        let accepting = try Background { try listener.accept().receive() }
        let client = try Connection.connect(to: listener.address)
        try client.send([1])
        #expect(try accepting.get() == [1])
    }

    @Test("of several threads that accept one gets the client, and the others keep their deadlines")
    func shared() throws {
        let listener = try Listener.atFreshAddress()
        for _ in 0..<30 {
            let client = try Connection.connect(to: listener.address, until: .generous)
            let accept: @Sendable () throws -> Bool = {
                try unlessTimedOut { () throws(FramingError) in
                    try listener.accept(until: .after(.milliseconds(10)))
                } != nil
            }
            let first = try Background(accept)
            let second = try Background(accept)
            let third = try Background(accept)
            let accepted = try [first.get(), second.get(), third.get()]
            #expect(accepted.filter { $0 }.count == 1)
            withExtendedLifetime(client) {}
        }
    }

    @Test("clients that are gone again do not keep the next from being accepted", arguments: ["unix", "tcp"])
    func gone(kind: String) throws {
        let listener =
            try kind == "unix" ? Listener.atFreshAddress() : Listener(at: .tcp(host: "127.0.0.1", port: 0))
        for round in 0..<6 {
            let client = try Connection.connect(to: listener.address, until: .generous)
            if kind == "tcp", round.isMultiple(of: 2) {
                // Closed with a reset instead of an end.
                try client.withDescriptor { descriptor in
                    var linger = linger(l_onoff: 1, l_linger: 0)
                    #expect(
                        setsockopt(
                            descriptor.rawValue, SOL_SOCKET, SO_LINGER, &linger,
                            socklen_t(MemoryLayout.size(ofValue: linger))) == 0)
                }
            }
            client.close()
        }
        let client = try Connection.connect(to: listener.address, until: .generous)
        try client.send([1])
        var message: [UInt8]?
        while message == nil { message = try? listener.accept(until: .generous).receive(until: .generous) }
        #expect(message == [1])
        #expect(throws: FramingError.timedOut) { try listener.accept(until: .now) }
    }

    @Test("each side knows the other's address", arguments: ["unix", "127.0.0.1", "::1"])
    func peerAddress(kind: String) throws {
        let listener = try kind == "unix" ? Listener.atFreshAddress() : Listener(at: .tcp(host: kind, port: 0))
        let client = try Connection.connect(to: listener.address, until: .generous)
        let server = try listener.accept(until: .generous)
        #expect(try client.peerAddress() == listener.address)
        #expect(try server.peerAddress() == listener.lastAcceptedAddress)
        if kind == "unix" {
            #expect(try server.peerAddress() == .unix(path: ""))
        } else {
            let port = try #require(try client.withDescriptor { try? $0.localAddress().port })
            #expect(try server.peerAddress() == .tcp(host: kind, port: port))
        }
        let second = try Connection.connect(to: listener.address, until: .generous)
        let secondServer = try listener.accept(until: .generous)
        #expect(try listener.lastAcceptedAddress == secondServer.peerAddress())
        server.close()
        #expect(throws: FramingError.closed) { try server.peerAddress() }
        #expect(!second.isClosed)
        let (reader, _) = try Connection.pipe(duplex: false)
        #expect(throws: FramingError.system(.notSocket)) { try reader.peerAddress() }
    }
}
