import AsyncFraming
import Framing
import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("The end of async connections", .timeLimit(.minutes(10)))
struct ClosingTests {
    @Test("the end of the stream between messages is told as that, after what came before it")
    func endOfFile() async throws {
        let (first, second) = try connectedPair()
        try await first.send([1])
        try await first.send([2])
        first.close()
        #expect(try await second.receive() == [1])
        #expect(try await second.receive() == [2])
        for _ in 1...2 { await #expect(throws: FramingError.endOfFile) { try await second.receive() } }
        await #expect(throws: FramingError.system(.brokenPipe)) { try await second.send([3]) }
    }

    @Test("the end of the stream inside a message says how much is missing")
    func endDuringMessage() async throws {
        let pair = try HalfPair()
        let connection = pair.connection
        let received = Task { try await connection.receive() }
        try pair.peer.descriptor.writeAll(Array(frame(pattern(100))[..<50]))
        try pair.peer.descriptor.shutdownSending()
        await #expect(throws: FramingError.endOfStreamDuringMessage(missing: 54)) { try await received.value }
    }

    @Test("a peer that goes ends a receive and a send that wait for it")
    func peerGoes() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            let received = Task { try await first.receive() }
            let sent = Task { try await first.send(pattern(8 << 20)) }
            await thread.waitForWaits(2)
            second.close()
            await #expect(throws: FramingError.self) { try await received.value }
            await #expect(throws: FramingError.system(.brokenPipe)) { try await sent.value }
        }
    }

    @Test("closing ends a receive and a send that are under way, and those that wait for their turn")
    func closeWakes() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            let received = (0..<3).map { _ in Task { try await first.receive() } }
            let sent = (0..<3).map { _ in Task { try await first.send(pattern(8 << 20)) } }
            await thread.waitForWaits(2)
            first.close()
            for task in received { await #expect(throws: FramingError.closed) { try await task.value } }
            for task in sent { await #expect(throws: FramingError.closed) { try await task.value } }
            #expect(first.isClosed)
            #expect(!second.isClosed)
        }
    }

    @Test("closing at the moment at which a wait begins ends it")
    func closeRaces() async throws {
        try await ReactorThread.withOne { thread in
            for round in 0..<300 {
                let (first, second) = try connectedPair(reactor: thread)
                let received = Task { try await first.receive() }
                for _ in 0..<round % 7 { await Task.yield() }
                first.close()
                await #expect(throws: FramingError.closed) { try await received.value }
                withExtendedLifetime(second) {}
            }
        }
    }

    @Test("a closed connection is of no more use, and may be closed again")
    func useAfterClose() async throws {
        let (first, second) = try connectedPair()
        try await second.send([1])
        first.close()
        first.close()
        #expect(first.isClosed)
        await #expect(throws: FramingError.closed) { try await first.receive() }
        await #expect(throws: FramingError.closed) { try await first.send([1]) }
        await #expect(throws: FramingError.endOfFile) {
            // The one sent before was taken by nobody: the socket may tell that as a reset.
            do {
                _ = try await second.receive()
            } catch FramingError.system(.connectionReset) {
                throw FramingError.endOfFile
            }
        }
    }

    @Test("a connection that nobody waits on is closed without ending the stream for its other owners")
    func sharedStream() async throws {
        let pair = try HalfPair()
        let peer = pair.peer.descriptor
        let shared = try SocketPair()
        let other = try shared.first.duplicate()
        let connection = AsyncConnection(Connection(shared.first))
        connection.close()
        try shared.second.descriptor.writeAll("x")
        #expect(try other.descriptor.read(upTo: 10) == Array("x".utf8))
        try peer.shutdown()
    }

    @Test("what is let go of closes its descriptor")
    func released() async throws {
        let pair = try SocketPair()
        do {
            let connection = AsyncConnection(Connection(pair.first))
            try await connection.send([1])
        }
        #expect(try pair.second.descriptor.readToEnd() == frame([1]))
    }
}
