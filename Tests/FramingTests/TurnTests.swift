import Framing
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Threads that take turns on a connection")
struct TurnTests {
    /// Returns once the thread that receives has taken in what has come, and so has the turn.
    private func waitUntilRead(_ connection: Connection) throws {
        while try connection.withDescriptor({ (try? $0.wait(for: .readable, until: .now)) ?? [] }) != [] {
            sched_yield()
        }
    }

    @Test("a receive keeps its deadline while another thread receives, and takes nothing from it")
    func receiving() throws {
        let peer = try RawPeer()
        let connection = peer.connection
        try peer.write([0, 0])
        let receiving = try Background { try connection.receive() }
        try waitUntilRead(connection)
        var buffer: [UInt8] = [0]
        for deadline in [Deadline.now, .after(.milliseconds(20)), .after(.seconds(-1))] {
            #expect(throws: FramingError.timedOut) { try connection.receive(until: deadline) }
            #expect(throws: FramingError.timedOut) { try connection.receive(intoArray: &buffer, until: deadline) }
            #expect(try !connection.poll(until: deadline))
        }
        #expect(connection.bufferedByteCount == 0)
        #expect(throws: FramingError.closed) { _ = try connection.takeDescriptor() }
        try peer.write([0, 1, 7] + header(1) + [8])
        #expect(try receiving.get() == [7])
        #expect(try connection.receive(until: .generous) == [8])
    }

    @Test("on a non-blocking connection nobody waits for a turn without a deadline")
    func nonBlocking() throws {
        let peer = try RawPeer()
        let connection = peer.connection
        try connection.setBlocking(false)
        try peer.write([0, 0])
        let receiving = try Background { try connection.receive(until: .never) }
        try waitUntilRead(connection)
        #expect(throws: FramingError.timedOut) { try connection.receive() }
        try peer.write([0, 0])
        #expect(try receiving.get() == [])
    }

    @Test("a send keeps its deadline while another thread sends, and nothing of it goes out", arguments: [true, false])
    func sending(overSocket: Bool) throws {
        let peer = try overSocket ? RawPeer() : .writingPipe()
        let connection = peer.connection
        let message = pattern(8 << 20)
        let sending = try Background { try connection.send(message) }
        // The first bytes tell that it has the turn.
        #expect(try peer.end.descriptor.wait(for: .readable, until: .generous) == .readable)
        var progress = SendProgress()
        for deadline in [Deadline.now, .after(.milliseconds(20)), .after(.seconds(-1))] {
            #expect(throws: FramingError.timedOut) { try connection.send([1], until: deadline) }
            #expect(throws: FramingError.timedOut) {
                try connection.send([UInt8(1)].span.bytes, progress: &progress, until: deadline)
            }
        }
        #expect(progress == SendProgress())
        #expect(try peer.end.descriptor.readExactly(message.count + 4) == header(message.count) + message)
        try sending.get()
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
        try connection.send([2], until: .generous)
        #expect(try peer.end.descriptor.readExactly(5) == [0, 0, 0, 1, 2])
    }

    @Test("one thread sends while another receives", arguments: [Deadline.never, .generous])
    func bothDirections(deadline: Deadline) throws {
        let peer = try RawPeer()
        let connection = peer.connection
        try peer.write([0])
        let receiving = try Background { try connection.receive(until: deadline) }
        try waitUntilRead(connection)
        try connection.send([1], until: .generous)
        #expect(try peer.end.descriptor.readExactly(5) == [0, 0, 0, 1, 1])
        try peer.write([0, 0, 0])
        #expect(try receiving.get() == [])
    }

    @Test("closing wakes the thread that has the turn, and all that wait for it", arguments: [true, false])
    func closing(hasDeadline: Bool) throws {
        for _ in 0..<20 {
            let peer = try RawPeer()
            let connection = peer.connection
            try peer.write([0])
            let deadline: @Sendable () -> Deadline = { hasDeadline ? .generous : .never }
            let receiving = try Background { try connection.receive(until: deadline()) }
            try waitUntilRead(connection)
            let next = try Background { try connection.receive(until: deadline()) }
            let polling = try Background { try connection.poll(until: deadline()) }
            let sending = try Background { try connection.send(pattern(8 << 20), until: deadline()) }
            #expect(try peer.end.descriptor.wait(for: .readable, until: .generous) == .readable)
            let nextSending = try Background { try connection.send([1], until: deadline()) }
            connection.close()
            #expect(throws: FramingError.closed) { try receiving.get() }
            #expect(throws: FramingError.closed) { try next.get() }
            #expect(throws: FramingError.closed) { try polling.get() }
            #expect(throws: FramingError.closed) { try sending.get() }
            #expect(throws: FramingError.closed) { try nextSending.get() }
        }
    }

    @Test("closing wakes threads that poll, and each sees the end or that it was closed")
    func closingPolls() throws {
        let peer = try RawPeer()
        let connection = peer.connection
        let polling = try Background { try connection.poll(until: .generous) }
        let next = try Background { try connection.poll(until: .generous) }
        connection.close()
        do { #expect(try polling.get()) } catch { #expect(error as? FramingError == .closed) }
        do { #expect(try next.get()) } catch { #expect(error as? FramingError == .closed) }
        #expect(try peer.end.descriptor.wait(for: .readable, until: .generous).contains(.hangUp))
    }

    @Test("a descriptor is given up with every message beyond those that somebody received, or not at all")
    func taking() throws {
        for _ in 0..<300 {
            let peer = try RawPeer()
            let connection = peer.connection
            try peer.write(header(1) + [1] + header(1) + [2])
            let receiving = try Background { try connection.receive(until: .generous) }
            var taken: OwnedFileDescriptor?
            do throws(FramingError) {
                taken = try connection.takeDescriptor()
            } catch {
                // In use, or the second message was read with the first.
                #expect(error == .closed || error == .hasReadAhead(bytes: 5))
            }
            if let taken {
                #expect(throws: FramingError.closed) { try receiving.get() }
                #expect(try taken.descriptor.readExactly(10) == header(1) + [1] + header(1) + [2])
            } else {
                #expect(try receiving.get() == [1])
                #expect(try connection.receive(until: .generous) == [2])
            }
        }
    }
}
