import Framing
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Connections that fail")
struct FailureTests {
    @Test("the peer's close between messages is end of file, again and again", arguments: [true, false])
    func endOfFile(overSocket: Bool) throws {
        let (receiver, sender) = try Connection.pipe(duplex: overSocket)
        try sender.send([1])
        sender.close()
        #expect(try receiver.receive() == [1])
        for _ in 0..<2 { #expect(throws: FramingError.endOfFile) { try receiver.receive() } }
        #expect(try receiver.poll())
    }

    @Test(
        "the end inside a message says how many bytes are missing",
        arguments: [
            ([0], 3), ([0, 0, 0], 1), ([0, 0, 0, 5], 5), ([0, 0, 0, 5, 1, 2], 3), ([0, 1, 0, 0, 9], 65535),
            ([0xff, 0xff, 0xff, 0xff], 8), ([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 2], 2),
        ] as [([UInt8], Int)], [true, false])
    func endOfStream(begun: ([UInt8], missing: Int), overSocket: Bool) throws {
        let peer = try overSocket ? RawPeer() : .readingPipe()
        let connection = peer.connection
        try peer.write(header(2) + [7, 8] + begun.0)
        _ = consume peer
        #expect(try connection.receive() == [7, 8])
        for _ in 0..<2 {
            #expect(throws: FramingError.endOfStreamDuringMessage(missing: begun.missing)) { try connection.receive() }
        }
    }

    @Test("a message over the limit leaves the connection unreadable, and it can still send")
    func limit() throws {
        let (receiver, sender) = try Connection.pipe()
        try sender.send(pattern(99))
        try sender.send(pattern(100))
        try sender.send(pattern(1))
        #expect(try receiver.receive(limit: 99) == pattern(99))
        for _ in 0..<2 {
            #expect(throws: FramingError.messageTooLong(length: 100, limit: 99)) { try receiver.receive(limit: 99) }
        }
        #expect(throws: FramingError.messageTooLong(length: 100, limit: 99)) { try receiver.receive() }
        try receiver.send([5])
        #expect(try sender.receive() == [5])
    }

    @Test("a length that cannot be is an error and leaves the connection unreadable")
    func malformed() throws {
        let peer = try RawPeer()
        try peer.write([0xff, 0xff, 0xff, 0xf0] + header(1) + [1])
        for _ in 0..<2 {
            #expect(throws: FramingError.malformedHeader(length: -16)) { try peer.connection.receive() }
        }
        let second = try RawPeer()
        try second.write(longHeaderBytes(UInt64(Int.max)))
        #expect(throws: FramingError.malformedHeader(length: .max)) { try second.connection.receive(until: .generous) }
    }

    @Test("sending to a peer that is gone is EPIPE", arguments: [true, false])
    func brokenPipe(overSocket: Bool) throws {
        let (first, second) = try Connection.pipe(duplex: overSocket)
        let (sender, receiver) = overSocket ? (first, second) : (second, first)
        receiver.close()
        // Another test's child may hold a copy of the other end until its exec.
        _ = try sender.withDescriptor { descriptor in
            try? descriptor.wait(for: overSocket ? .readable : [], until: .generous)
        }
        #expect(throws: FramingError.system(.brokenPipe)) { try sender.send([1]) }
        #expect(throws: FramingError.system(.brokenPipe)) { try sender.send(pattern(100_000), until: .generous) }
    }

    @Test("an end that only reads does not send, and one that only writes does not receive")
    func directions() throws {
        let (reader, writer) = try Connection.pipe(duplex: false)
        #expect(reader.isReadable && !reader.isWritable)
        #expect(!writer.isReadable && writer.isWritable)
        #expect(throws: FramingError.notWritable) { try reader.send([1]) }
        #expect(throws: FramingError.notReadable) { try writer.receive() }
        #expect(throws: FramingError.notReadable) { try writer.poll() }
        try writer.send([1])
        #expect(try reader.receive() == [1])
    }

    @Test("every use after close is an error that says so, also after another failure")
    func afterClose() throws {
        let peer = try RawPeer()
        let connection = peer.connection
        try peer.write([0xff, 0xff, 0xff, 0xf0])
        #expect(throws: FramingError.malformedHeader(length: -16)) { try connection.receive() }
        connection.close()
        connection.close()
        #expect(connection.isClosed)
        var buffer: [UInt8] = [0]
        #expect(throws: FramingError.closed) { try connection.receive() }
        #expect(throws: FramingError.closed) { try connection.receive(intoArray: &buffer) }
        #expect(throws: FramingError.closed) { try connection.send([1]) }
        #expect(throws: FramingError.closed) { try connection.poll() }
        #expect(throws: FramingError.closed) { _ = try connection.takeDescriptor() }
        #expect(throws: FramingError.closed) { try connection.withDescriptor { _ in } }
        #expect(throws: FramingError.closed) { try wait(for: [connection]) }
    }

    @Test("closing a connection wakes a thread that waits for its message", arguments: [true, false])
    func closeWakesReader(hasDeadline: Bool) throws {
        for begun in [[], [0, 0], header(100_000) + [1]] as [[UInt8]] {
            let peer = try RawPeer()
            try peer.write(begun)
            let connection = peer.connection
            let reading = try Background { try connection.receive(until: hasDeadline ? .generous : .never) }
            // What had begun has been read, so the thread is waiting, or about to.
            while try connection.hasUnread() { sched_yield() }
            connection.close()
            #expect(throws: FramingError.closed) { try reading.get() }
            #expect(throws: FramingError.closed) { try connection.receive() }
            #expect(try peer.end.descriptor.wait(for: .readable, until: .generous).contains(.hangUp))
        }
    }

    @Test("closing a connection wakes a thread that waits for room to send")
    func closeWakesWriter() throws {
        let peer = try RawPeer()
        _ = try peer.fillUp()
        let connection = peer.connection
        let writing = try Background { try connection.send(pattern(1 << 20)) }
        connection.close()
        #expect(throws: FramingError.closed) { try writing.get() }
    }

    @Test("a connection closed while others use it never touches the next file of its number")
    func closeRace() throws {
        #expect(try runHelper("FramingHelper", ["close-race"]) == .success)
    }
}

extension Connection {
    /// Whether something has come that the connection has not read.
    fileprivate func hasUnread() throws -> Bool {
        try withDescriptor { descriptor throws(FramingError) in
            do throws(Errno) { return try !descriptor.wait(for: .readable, until: .now).isEmpty } catch {
                throw .system(error)
            }
        }
    }
}
