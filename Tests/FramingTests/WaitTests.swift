import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Waiting for several things")
struct WaitTests {
    @Test("those that are ready are told by their places: a connection, a listener, a descriptor")
    func places() throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: .unix(path: directory.file("socket")))
        let (connection, peer) = try Connection.pipe()
        let pipe = try Pipe()
        let things: [any Waitable] = [connection, listener, pipe.readEnd.descriptor]
        #expect(try wait(for: things, until: .now) == [])
        #expect(try wait(for: things, until: .after(.milliseconds(5))) == [])
        try pipe.writeEnd.descriptor.writeAll("x")
        #expect(try wait(for: things) == [2])
        try peer.send([1])
        #expect(try wait(for: things, until: .generous) == [0, 2])
        let client = try Connection.connect(to: listener.address)
        #expect(try wait(for: things, until: .generous) == [0, 1, 2])
        _ = try listener.accept()
        _ = try connection.receive()
        _ = try pipe.readEnd.descriptor.readExactly(1)
        #expect(try wait(for: things, until: .now) == [])
        #expect(!client.isClosed)
        #expect(try wait(for: [], until: .now) == [])
    }

    @Test("a thread that waits is woken by what comes")
    func waking() throws {
        let (first, firstPeer) = try Connection.pipe()
        let (second, secondPeer) = try Connection.pipe(duplex: false)
        let waiting = try Background { try wait(for: [first, second], until: .generous) }
        try secondPeer.send([1])
        #expect(try waiting.get() == [1])
        #expect(!firstPeer.isClosed)
    }

    @Test("a message that was read ahead counts, and what else is ready is told with it")
    func buffered() throws {
        let peer = try RawPeer()
        let (other, otherPeer) = try Connection.pipe()
        try peer.write(header(1) + [1] + header(1) + [2])
        #expect(try peer.connection.receive() == [1])
        #expect(peer.connection.hasBufferedInput)
        #expect(try wait(for: [other, peer.connection]) == [1])
        try otherPeer.send([1])
        #expect(try wait(for: [other, peer.connection]) == [0, 1])
        #expect(try peer.connection.receive() == [2])
        #expect(try wait(for: [other, peer.connection]) == [0])
    }

    @Test("the peer's end is something to read")
    func endOfFile() throws {
        let (connection, peer) = try Connection.pipe()
        peer.close()
        #expect(try wait(for: [connection], until: .generous) == [0])
    }

    @Test("something closed, not open or no descriptor at all is an error")
    func invalid() throws {
        let (connection, peer) = try Connection.pipe()
        let (closed, _) = try Connection.pipe()
        closed.close()
        #expect(throws: FramingError.closed) { try wait(for: [connection, closed], until: .generous) }
        for number in [1_000_000_000, -1] as [CInt] {
            #expect(throws: FramingError.invalidDescriptor(position: 1, number: number)) {
                try wait(for: [connection, FileDescriptor(rawValue: number)], until: .after(.milliseconds(1)))
            }
        }
        #expect(!peer.isClosed)
    }

    @Test("closing what a thread waits for ends its wait")
    func closeWakes() throws {
        let (first, firstPeer) = try Connection.pipe()
        let (second, secondPeer) = try Connection.pipe()
        let waiting = try Background { try wait(for: [first, second], until: .generous) }
        second.close()
        // Woken, or too late to begin.
        do { #expect(try waiting.get() == [1]) } catch { #expect(error as? FramingError == .closed) }
        #expect(!firstPeer.isClosed && !secondPeer.isClosed)
    }

    @Test("hundreds of connections are waited for at once")
    func many() throws {
        let pairs = try (0..<400).map { _ in try Connection.pipe() }
        for index in [7, 399] { try pairs[index].1.send([1]) }
        #expect(try wait(for: pairs.map(\.0), until: .generous) == [7, 399])
    }
}
