import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Sending and receiving on sockets")
struct SocketTransferTests {
    private func receive(
        _ count: Int = 100, from socket: FileDescriptor, until deadline: Deadline
    ) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = try bytes.withUnsafeMutableBytes { try socket.receive(into: $0, until: deadline) }
        return Array(bytes[..<received])
    }

    /// Sends until the kernel takes no more, and tells how much it took.
    private func fill(_ socket: FileDescriptor) throws -> Int {
        var total = 0
        while let count = try sendAtOnce(pattern(4096), to: socket) { total += count }
        return total
    }

    private func sendAtOnce(_ bytes: [UInt8], to socket: FileDescriptor) throws -> Int? {
        do {
            return try socket.send(bytes.span.bytes, until: .now)
        } catch Errno.timedOut {
            return nil
        }
    }

    @Test(
        "what one side sends the other receives, with a deadline and without", arguments: [Deadline.never, .generous])
    func transfer(deadline: Deadline) throws {
        let pair = try SocketPair()
        #expect(try pair.first.descriptor.send(Array("hello".utf8).span.bytes, until: deadline) == 5)
        #expect(try receive(2, from: pair.second.descriptor, until: deadline) == Array("he".utf8))
        #expect(try receive(from: pair.second.descriptor, until: deadline) == Array("llo".utf8))
        try pair.first.descriptor.shutdownSending()
        #expect(try receive(from: pair.second.descriptor, until: deadline) == [])
    }

    @Test("who waits to receive is woken by what comes", arguments: [Deadline.never, .generous])
    func waking(deadline: Deadline) throws {
        let pair = try SocketPair()
        let sending = try Background { [socket = pair.second.descriptor] in try socket.writeAll("late") }
        #expect(try receive(from: pair.first.descriptor, until: deadline) == Array("late".utf8))
        try sending.get()
    }

    @Test("receiving nothing by the deadline is a time-out, and leaves the socket blocking and usable")
    func receiveDeadline() throws {
        let pair = try SocketPair()
        for deadline in [Deadline.now, .after(.seconds(-1)), .after(.milliseconds(10))] {
            #expect(throws: Errno.timedOut) { try receive(from: pair.first.descriptor, until: deadline) }
            #expect(deadline.hasPassed)
        }
        #expect(try !pair.first.descriptor.statusFlags().contains(.nonBlocking))
        try pair.second.descriptor.writeAll("x")
        // What is there is given also when the deadline has passed.
        #expect(try receive(from: pair.first.descriptor, until: .now) == Array("x".utf8))
    }

    @Test("sending to a peer that does not read is a time-out once the socket is full, and goes on when it reads")
    func sendDeadline() throws {
        let pair = try SocketPair()
        let queued = try fill(pair.first.descriptor)
        #expect(queued > 0)
        let deadline = Deadline.after(.milliseconds(10))
        #expect(throws: Errno.timedOut) { try pair.first.descriptor.send([1 as UInt8].span.bytes, until: deadline) }
        #expect(deadline.hasPassed)
        #expect(try !pair.first.descriptor.statusFlags().contains(.nonBlocking))
        let reading = try Background { [socket = pair.second.descriptor] in try socket.readExactly(queued) }
        #expect(try pair.first.descriptor.send([7 as UInt8].span.bytes, until: .generous) == 1)
        _ = try reading.get()
        #expect(try pair.second.descriptor.readExactly(1) == [7])
    }

    @Test("a vanished peer ends the stream for who receives", arguments: [Deadline.never, .generous])
    func vanishedPeer(deadline: Deadline) throws {
        let pair = try SocketPair()
        let first = pair.first
        let socket = first.descriptor
        try pair.second.close()
        #expect(try receive(from: socket, until: deadline) == [])
        // And is an error for who sends: here, where SIGPIPE may be ignored, and in a helper where it would kill.
        #expect(throws: Errno.brokenPipe) { try socket.send([1 as UInt8].span.bytes, until: deadline) }
    }

    @Test("what is no socket, not connected or not open is an error", arguments: [Deadline.never, .generous])
    func errors(deadline: Deadline) throws {
        let pipe = try Pipe()
        #expect(throws: Errno.notSocket) { try pipe.writeEnd.descriptor.send([1 as UInt8].span.bytes, until: deadline) }
        #expect(throws: Errno.notSocket) { try receive(from: pipe.readEnd.descriptor, until: deadline) }
        let socket = try OwnedFileDescriptor.socket(family: AF_INET)
        #expect(throws: Errno.notConnected) { try receive(from: socket.descriptor, until: deadline) }
        let closed = FileDescriptor(rawValue: 1_000_000_000)
        #expect(throws: Errno.badFileDescriptor) { try receive(from: closed, until: deadline) }
        #expect(throws: Errno.badFileDescriptor) { try closed.send([1 as UInt8].span.bytes, until: deadline) }
    }
}
