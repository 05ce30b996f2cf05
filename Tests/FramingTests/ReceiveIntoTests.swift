import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Receiving into a part of a buffer")
struct ReceiveIntoTests {
    @Test("a message begins at the offset, and nothing else is touched", arguments: [0, 1, 3, 40_000], [true, false])
    func offset(count: Int, overSocket: Bool) throws {
        let message = pattern(count)
        for offset in [0, 1, 13] {
            for spare in [0, 2] {
                let (receiver, sender) = try Connection.pipe(duplex: overSocket)
                try sender.send(message)
                var buffer = [UInt8](repeating: 0xee, count: offset + count + spare)
                #expect(try receiver.receive(intoArray: &buffer, offset: offset, until: .generous) == count)
                #expect(
                    buffer == Array(repeating: 0xee, count: offset) + message + Array(repeating: 0xee, count: spare))
            }
        }
    }

    @Test("a message that does not fit behind the offset is handed out whole", arguments: [3, 40_000])
    func tooShort(count: Int) throws {
        let (receiver, sender) = try Connection.pipe()
        let message = pattern(count)
        for offset in [1, count] {
            try sender.send(message)
            try sender.send([5])
            var buffer = [UInt8](repeating: 0xee, count: count)
            #expect(throws: FramingError.bufferTooShort(message: message)) {
                try receiver.receive(intoArray: &buffer, offset: offset, until: .generous)
            }
            #expect(buffer.allSatisfy { $0 == 0xee })
            #expect(try receiver.receive(intoArray: &buffer, until: .generous) == 1)
            #expect(buffer[0] == 5)
        }
    }

    @Test("a message over the limit is an error however large the buffer is", arguments: [3, 40_000])
    func limit(count: Int) throws {
        let (receiver, sender) = try Connection.pipe()
        try sender.send(pattern(count))
        try sender.send(pattern(count))
        var buffer = [UInt8](repeating: 0xee, count: count + 10)
        #expect(try receiver.receive(intoArray: &buffer, offset: 5, limit: count, until: .generous) == count)
        for _ in 0..<2 {
            #expect(throws: FramingError.messageTooLong(length: count, limit: count - 1)) {
                try receiver.receive(intoArray: &buffer, limit: count - 1, until: .generous)
            }
        }
    }

    @Test("a receive into a buffer that times out keeps what has come of the message", arguments: [10, 40_000])
    func timesOut(count: Int) throws {
        let peer = try RawPeer()
        let bytes = header(count) + pattern(count)
        var buffer = [UInt8](repeating: 0xee, count: count + 1)
        for split in [0, 2, 4, 7, bytes.count - 1] {
            try peer.write(Array(bytes[..<split]))
            #expect(throws: FramingError.timedOut) {
                try peer.connection.receive(intoArray: &buffer, offset: 1, until: .now)
            }
            try peer.write(Array(bytes[split...]))
            #expect(try peer.connection.receive(intoArray: &buffer, offset: 1, until: .generous) == count)
            #expect(buffer == [0xee] + pattern(count))
        }
    }

    @Test("an offset outside the buffer stops the program with a sentence that says so")
    func outside() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var buffer: [UInt8] = [0, 0]
            _ = try Connection.pipe().0.receive(intoArray: &buffer, offset: 3, until: .now)
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        // An optimized build has no message to print.
        #expect(message.contains("offset 3 is outside the 2 bytes") || !message.contains("Fatal error"))
    }
}
