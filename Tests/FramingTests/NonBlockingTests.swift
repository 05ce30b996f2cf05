import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Connections that do not block")
struct NonBlockingTests {
    /// Changes the mode of a connection's open file as another process would that shares it.
    private func setBlocking(_ blocking: Bool, behindBackOf connection: Connection) throws {
        try connection.withDescriptor { descriptor throws(FramingError) in
            do throws(Errno) {
                let duplicate = try descriptor.duplicate()
                try duplicate.descriptor.setBlocking(blocking)
            } catch { throw .system(error) }
        }
    }

    @Test(
        "each end of a pipe is as it was asked for", arguments: [true, false],
        [(true, false), (false, true), (false, false)])
    func pipe(duplex: Bool, blocking: (first: Bool, second: Bool)) throws {
        let (firstBlocks, secondBlocks) = blocking
        let (first, second) = try Connection.pipe(
            duplex: duplex, firstBlocks: firstBlocks, secondBlocks: secondBlocks)
        for (connection, blocks) in [(first, firstBlocks), (second, secondBlocks)] {
            #expect(connection.isBlocking == blocks)
            let flags = try connection.withDescriptor { try? $0.statusFlags() }
            #expect(flags?.contains(.nonBlocking) == !blocks)
        }
        try second.send([1])
        #expect(try first.receive() == [1])
        if !firstBlocks { #expect(throws: FramingError.timedOut) { try first.receive() } }
    }

    @Test("without a deadline a receive takes what is there, and a send gives what there is room for")
    func atOnce() throws {
        for duplex in [true, false] {
            let (receiver, sender) = try Connection.pipe(duplex: duplex, firstBlocks: false, secondBlocks: false)
            var buffer: [UInt8] = [0, 0]
            #expect(throws: FramingError.timedOut) { try receiver.receive() }
            #expect(throws: FramingError.timedOut) { try receiver.receive(intoArray: &buffer) }
            #expect(try !receiver.poll())
            let message = pattern(1 << 20)
            var progress = SendProgress()
            var received: [UInt8]?
            while received == nil {
                if progress.sent < message.count + 4 {
                    _ = try unlessTimedOut { () throws(FramingError) in
                        try sender.send(message.span.bytes, progress: &progress)
                    }
                }
                received = try unlessTimedOut { () throws(FramingError) in try receiver.receive() }
            }
            #expect(received == message)
            let error = #expect(throws: FramingError.self) { try sender.send(pattern(8 << 20)) }
            guard case .partlySent(1..., 8 << 20 + 4) = error else { throw error! }
        }
    }

    @Test(
        "a deadline is waited for in either mode, and kept",
        arguments: [(true, true), (true, false), (false, true), (false, false)], [Deadline.never, .generous])
    func deadlines(end: (overSocket: Bool, blocks: Bool), deadline: Deadline) throws {
        let (overSocket, blocks) = end
        let (receiver, sender) = try Connection.pipe(duplex: overSocket, firstBlocks: blocks, secondBlocks: blocks)
        for passed in [Deadline.now, .after(.milliseconds(5))] {
            #expect(throws: FramingError.timedOut) { try receiver.receive(until: passed) }
        }
        for count in [1, 1 << 20] {
            let message = pattern(count)
            let receiving = try Background { try receiver.receive(until: deadline) }
            try sender.send(message, until: deadline)
            #expect(try receiving.get() == message)
        }
        for passed in [Deadline.now, .after(.milliseconds(5))] {
            #expect(throws: FramingError.timedOut) { try receiver.receive(until: passed) }
        }
        let error = #expect(throws: FramingError.self) {
            try sender.send(pattern(8 << 20), until: .after(.milliseconds(20)))
        }
        guard case .partlySent(1..., 8 << 20 + 4) = error else { throw error! }
    }

    @Test(
        "a deadline, also one that never comes, is waited for when there is no room to begin",
        arguments: [true, false],
        [1, 100_000])
    func noRoom(overSocket: Bool, count: Int) throws {
        for _ in 0..<20 {
            let peer = try overSocket ? RawPeer() : .writingPipe()
            let connection = peer.connection
            let filled = try peer.fillUp()
            try connection.setBlocking(false)
            #expect(throws: FramingError.timedOut) { try connection.send(pattern(count)) }
            let begun = try Pipe()
            let sending = try Background { [begun = begun.writeEnd.descriptor] in
                try begun.writeAll("!")
                try connection.send(pattern(count), until: .never)
            }
            _ = try begun.readEnd.descriptor.readExactly(1)
            for _ in 0..<100 { #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == .readable) }
            _ = try peer.end.descriptor.readExactly(filled)
            #expect(try peer.end.descriptor.readExactly(4 + count) == header(count) + pattern(count))
            try sending.get()
        }
    }

    @Test(
        "a connection has the mode that its descriptor came with, until it is given another", arguments: [true, false])
    func inherited(overSocket: Bool) throws {
        let (first, second) = try Connection.pipe(duplex: overSocket, firstBlocks: false)
        let connection = Connection(try first.takeDescriptor(), writable: overSocket)
        #expect(!connection.isBlocking)
        #expect(throws: FramingError.timedOut) { try connection.receive() }
        try connection.setBlocking(true)
        #expect(connection.isBlocking)
        let receiving = try Background { try connection.receive() }
        try second.send([1])
        #expect(try receiving.get() == [1])
        try connection.setBlocking(false)
        #expect(throws: FramingError.timedOut) { try connection.receive() }
        connection.close()
        #expect(throws: FramingError.closed) { try connection.setBlocking(true) }
    }

    @Test("a receive that finds a part of a message keeps it for the next", arguments: [true, false], [false, true])
    func byteByByte(overSocket: Bool, intoBuffer: Bool) throws {
        let peer = try overSocket ? RawPeer() : .readingPipe()
        let connection = peer.connection
        try connection.setBlocking(false)
        let message = pattern(9)
        for head in [header(9), longHeaderBytes(9)] {
            var buffer = [UInt8](repeating: 0, count: 9)
            let bytes = head + message
            for byte in bytes.dropLast() {
                try peer.write([byte])
                #expect(throws: FramingError.timedOut) {
                    if intoBuffer {
                        _ = try connection.receive(intoArray: &buffer)
                    } else {
                        _ = try connection.receive()
                    }
                }
            }
            try peer.write([bytes.last!])
            if intoBuffer {
                #expect(try connection.receive(intoArray: &buffer) == 9)
                #expect(buffer == message)
            } else {
                #expect(try connection.receive() == message)
            }
        }
        // One that does not fit what is read ahead.
        let large = pattern(100_000)
        let bytes = header(large.count) + large
        for part in stride(from: 0, to: bytes.count - 1, by: 7777) {
            try peer.write(Array(bytes[part..<min(part + 7777, bytes.count - 1)]))
            #expect(throws: FramingError.timedOut) { try connection.receive() }
        }
        try peer.write([bytes.last!])
        #expect(try connection.receive() == large)
    }

    @Test(
        "a blocking connection waits also when somebody else made its open file non-blocking", arguments: [true, false])
    func madeNonBlocking(overSocket: Bool) throws {
        let reader = try overSocket ? RawPeer() : .readingPipe()
        try setBlocking(false, behindBackOf: reader.connection)
        let connection = reader.connection
        #expect(connection.isBlocking)
        let receiving = try Background { try connection.receive() }
        for byte in header(3) + [1, 2, 3] {
            for _ in 0..<20 { #expect(connection.bufferedByteCount == 0) }
            try reader.write([byte])
        }
        #expect(try receiving.get() == [1, 2, 3])

        for count in [1, 100_000] {
            for _ in 0..<20 {
                let writer = try overSocket ? RawPeer() : .writingPipe()
                let filled = try writer.fillUp()
                let connection = writer.connection
                try setBlocking(false, behindBackOf: connection)
                let begun = try Pipe()
                let sending = try Background { [begun = begun.writeEnd.descriptor] in
                    try begun.writeAll("!")
                    try connection.send(pattern(count))
                }
                _ = try begun.readEnd.descriptor.readExactly(1)
                for _ in 0..<100 { #expect(try writer.end.descriptor.wait(for: .readable, until: .now) == .readable) }
                _ = try writer.end.descriptor.readExactly(filled)
                #expect(try writer.end.descriptor.readExactly(4 + count) == header(count) + pattern(count))
                try sending.get()
            }
        }
    }

    @Test(
        "a deadline is kept also when somebody else made a non-blocking open file blocking", arguments: [true, false])
    func madeBlocking(overSocket: Bool) throws {
        let writer = try overSocket ? RawPeer() : .writingPipe()
        try writer.connection.setBlocking(false)
        try setBlocking(true, behindBackOf: writer.connection)
        let message = pattern(8 << 20)
        var progress = SendProgress()
        #expect(throws: FramingError.timedOut) {
            try writer.connection.send(message.span.bytes, progress: &progress)
        }
        #expect(throws: FramingError.timedOut) {
            try writer.connection.send(message.span.bytes, progress: &progress, until: .after(.milliseconds(20)))
        }
        #expect(try writer.end.descriptor.readExactly(progress.sent).count == progress.sent)

        let reader = try overSocket ? RawPeer() : .readingPipe()
        try reader.connection.setBlocking(false)
        try setBlocking(true, behindBackOf: reader.connection)
        #expect(throws: FramingError.timedOut) { try reader.connection.receive() }
        #expect(throws: FramingError.timedOut) { try reader.connection.receive(until: .after(.milliseconds(5))) }
    }
}
