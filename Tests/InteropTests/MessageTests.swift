import AsyncFraming
import Framing
import Syscalls
import TestSupport
import Testing

/// `connection` at the other end, without a key.
@Suite("Interop: messages", .enabled(if: !Peer.installed.isEmpty, "there is no Python to talk to"))
struct MessageTests {
    @Test("Python's Listener gives back what Swift sends it, over Unix sockets and TCP", arguments: Peer.installed)
    func pythonListens(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let source = """
            for family in ["AF_UNIX", "AF_INET"]:
                with listen(family, sys.argv[1]) as listener:
                    with listener.accept() as channel:
                        echo(channel)
            """
        let script = try Script(peer, source, [directory.file("socket")])
        for _ in 0..<2 {
            let address = try Address(parsing: try script.nextReport())
            let connection = try Connection.connect(to: address, until: .generous)
            try expectEcho(connection)
            connection.close()
        }
        try script.finish()
    }

    @Test("Python's Client gets back what it sends Swift, over Unix sockets and TCP", arguments: Peer.installed)
    func pythonConnects(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let listeners = [
            try Listener(at: .unix(path: directory.file("socket"))), try Listener(at: .tcp(host: "127.0.0.1", port: 0)),
        ]
        let source = """
            sizes = [int(size) for size in sys.argv[1].split()]
            for address in sys.argv[2:]:
                with connect(address) as channel:
                    expect_echo(channel, sizes)
            """
        let sizes = messageSizes.map(String.init).joined(separator: " ")
        let script = try Script(peer, source, [sizes] + listeners.map(\.address.description))
        for listener in listeners { try echo(try listener.accept(until: .generous)) }
        try script.finish()
    }

    @Test("Python gets back what it sends an async connection", arguments: Peer.installed)
    func asyncConnection(peer: Peer) async throws {
        let pair = try SocketPair()
        let connection = AsyncConnection(Connection(pair.first))
        let echoing = Task {
            while true { try await connection.send(try await connection.receive()) }
        }
        let sizes = messageSizes.map(String.init)
        let source = "expect_echo(connection.Connection(3), [int(size) for size in sys.argv[1:]])"
        let script = try Script(peer, source, sizes, descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        // Not before: it blocks a thread that the echo may need.
        await #expect(throws: FramingError.endOfFile) { try await echoing.value }
        try script.finish()
    }

    @Test("ends of pipes, limits and short buffers are understood alike", arguments: Peer.installed)
    func pipeEnds(peer: Peer) throws {
        let there = try Pipe()
        let back = try Pipe()
        let source = """
            receiving, sending = connection.Connection(3, writable=False), connection.Connection(4, readable=False)
            sending.send_bytes(receiving.recv_bytes(), 1, 3)
            try:
                receiving.recv_bytes_into(bytearray(3))
            except BufferTooShort as error:
                sending.send_bytes(error.args[0])
            try:
                receiving.recv_bytes(10)
            except OSError as error:
                sending.send_bytes(str(error).encode())
            """
        let descriptors = [3: there.readEnd.descriptor, 4: back.writeEnd.descriptor] as [CInt: FileDescriptor]
        let script = try Script(peer, source, descriptors: descriptors)
        let sender = Connection(there.writeEnd, readable: false)
        let receiver = Connection(back.readEnd, writable: false)
        try back.writeEnd.close()
        try sender.send(Array("abcdef".utf8))
        #expect(try receiver.receive(until: .generous) == Array("bcd".utf8))
        try sender.send(Array("longer than three".utf8))
        #expect(try receiver.receive(until: .generous) == Array("longer than three".utf8))
        try sender.send(pattern(11))
        #expect(try receiver.receive(until: .generous) == Array("bad message length".utf8))
        #expect(throws: FramingError.endOfFile) { try receiver.receive(until: .generous) }
        try script.finish()
    }

    @Test("each side's wait sees the other's message, and its end", arguments: Peer.installed)
    func waiting(peer: Peer) throws {
        let first = try SocketPair()
        let second = try SocketPair()
        let source = """
            channels = [connection.Connection(3), connection.Connection(4)]
            ready, = connection.wait(channels)
            ready.send_bytes(b"%d %s" % (channels.index(ready), ready.recv_bytes()))
            wait_for_gate()
            channels[0].close()
            ready, = connection.wait(channels[1:])
            try:
                ready.recv_bytes()
            except EOFError:
                report("end")
            """
        let descriptors = [3: first.second.descriptor, 4: second.second.descriptor] as [CInt: FileDescriptor]
        let script = try Script(peer, source, descriptors: descriptors)
        try first.second.close()
        try second.second.close()
        let channels = [Connection(first.first), Connection(second.first)]
        try channels[1].send(Array("message".utf8))
        #expect(try wait(for: channels, until: .generous) == [1])
        #expect(try channels[1].receive(until: .generous) == Array("1 message".utf8))
        try script.openGate()
        #expect(try wait(for: channels, until: .generous) == [0])
        #expect(throws: FramingError.endOfFile) { try channels[0].receive(until: .generous) }
        channels[1].close()
        #expect(try script.nextReport() == "end")
        try script.finish()
    }
}
