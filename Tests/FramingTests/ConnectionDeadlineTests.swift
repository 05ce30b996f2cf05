import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Connections and deadlines")
struct ConnectionDeadlineTests {
    @Test("a receive that times out keeps what has come of the message", arguments: [10, 40_000], [true, false])
    func receiveKeeps(count: Int, overSocket: Bool) throws {
        let bytes = header(count) + pattern(count)
        for split in [0, 2, 4, 7, bytes.count - 1] {
            let peer = try overSocket ? RawPeer() : .readingPipe()
            try peer.write(Array(bytes[..<split]))
            for deadline in [Deadline.now, .after(.milliseconds(5)), .after(.seconds(-1))] {
                #expect(throws: FramingError.timedOut) { try peer.connection.receive(until: deadline) }
            }
            #expect(peer.connection.bufferedByteCount <= split)
            try peer.write(Array(bytes[split...]))
            #expect(try peer.connection.receive(until: .generous) == pattern(count))
        }
    }

    @Test("a send that times out before anything was sent can be repeated", arguments: [true, false])
    func sendNothing(overSocket: Bool) throws {
        let peer = try overSocket ? RawPeer() : .writingPipe()
        let filled = try peer.fillUp()
        for deadline in [Deadline.now, .after(.milliseconds(5))] {
            #expect(throws: FramingError.timedOut) { try peer.connection.send([1, 2], until: deadline) }
        }
        _ = try peer.end.descriptor.readExactly(filled)
        try peer.connection.send([1, 2], until: .generous)
        #expect(try peer.end.descriptor.readExactly(6) == [0, 0, 0, 2, 1, 2])
    }

    @Test(
        "a send that times out inside a message says how far it got, and the connection sends no more",
        arguments: [true, false])
    func partlySent(overSocket: Bool) throws {
        let peer = try overSocket ? RawPeer() : .writingPipe()
        let connection = peer.connection
        let count = 8 << 20
        let error = #expect(throws: FramingError.self) {
            try connection.send(pattern(count), until: .after(.milliseconds(50)))
        }
        guard case .partlySent(let sent, let total) = error else {
            Issue.record("\(String(describing: error)) is another error")
            return
        }
        #expect(sent > 0 && sent < total)
        #expect(total == count + 4)
        // What it says is what went out.
        #expect(try peer.end.descriptor.readExactly(sent) == Array((header(count) + pattern(count))[..<sent]))
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
        #expect(throws: FramingError.partlySent(bytes: sent, of: total)) { try connection.send([1]) }
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
    }

    @Test("polling sees a message, a part of one, read-ahead and the end, and otherwise its deadline")
    func poll() throws {
        let peer = try RawPeer()
        let connection = peer.connection
        #expect(try !connection.poll())
        #expect(try !connection.poll(until: .after(.milliseconds(5))))
        try peer.write([0])
        #expect(try connection.poll(until: .generous))
        try peer.write([0, 0, 1, 9] + header(1) + [8])
        #expect(try connection.receive() == [9])
        // The second message has been read ahead: the descriptor knows nothing of it.
        #expect(try connection.withDescriptor { try? $0.wait(for: .readable, until: .now) } == [])
        #expect(try connection.poll())
        #expect(try connection.receive() == [8])
        #expect(try !connection.poll())
        try peer.end.descriptor.shutdownSending()
        #expect(try connection.poll(until: .generous))
        #expect(throws: FramingError.endOfFile) { try connection.receive() }
    }

    @Test("an event loop takes what has come without waiting, and sees the end after the last message")
    func available() throws {
        let peer = try RawPeer()
        let connection = peer.connection
        var seen: [[UInt8]] = []
        func take() throws { try connection.receiveAvailable { seen.append(Array($0)) } }
        try take()
        #expect(seen == [])
        let long = pattern(100_000)
        try peer.write(header(1) + [1] + header(0) + header(long.count) + long[..<70_000])
        try take()
        #expect(seen == [[1], []])
        try peer.write(long[70_000...] + header(2) + [2])
        try take()
        #expect(seen == [[1], [], long])
        try peer.write([3])
        try peer.end.descriptor.shutdownSending()
        // Once more, as an event loop does while the descriptor is readable: a call that got all it asked for does not ask again.
        #expect(throws: FramingError.endOfFile) {
            try take()
            try take()
        }
        #expect(seen == [[1], [], long, [2, 3]])
    }
}
