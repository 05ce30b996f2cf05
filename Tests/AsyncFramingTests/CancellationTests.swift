import AsyncFraming
import Framing
import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("Cancelling calls of async connections", .timeLimit(.minutes(10)))
struct CancellationTests {
    @Test("a cancelled receive keeps what has come of a message for the next", arguments: [0, 1, 3, 4, 5, 12, 100_003])
    func receiveKeepsParts(partial: Int) async throws {
        try await ReactorThread.withOne { thread in
            let pair = try HalfPair(reactor: thread)
            let connection = pair.connection
            let peer = pair.peer.descriptor
            // Larger than the read-ahead buffer, and for the last case than a good part of it.
            let message = pattern(200_000)
            let bytes = frame(message)
            let received = Task { try await connection.receive() }
            let sent = try Background { try peer.writeAll(Array(bytes[..<partial])) }
            try sent.get()
            await thread.waitForWaits(1)
            received.cancel()
            await #expect(throws: CancellationError.self) { try await received.value }
            #expect(await thread.registered == [])
            #expect(!connection.isClosed)
            let rest = try Background { try peer.writeAll(bytes[partial...] + frame([7])) }
            #expect(try await connection.receive() == message)
            #expect(try await connection.receive() == [7])
            try rest.get()
        }
    }

    @Test("a receive of a task that was cancelled before throws, and takes nothing away")
    func cancelledBefore() async throws {
        let (first, second) = try connectedPair()
        let received = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await second.receive()
        }
        received.cancel()
        await #expect(throws: CancellationError.self) { try await received.value }
        try await first.send([1])
        #expect(try await second.receive() == [1])
    }

    @Test("a cancelled send of which a part was sent closes the connection")
    func partlySent() async throws {
        try await ReactorThread.withOne { thread in
            let pair = try HalfPair(reactor: thread)
            let connection = pair.connection
            let message = pattern(8 << 20)
            let received = Task { try await connection.receive() }
            await thread.waitForWaits(1)
            let sent = Task { try await connection.send(message) }
            await thread.waitForWaits(2)
            #expect(!connection.isClosed)
            sent.cancel()
            let error = await #expect(throws: FramingError.self) { try await sent.value }
            guard case .partlySent(1..., message.count + 4) = error else { throw error! }
            #expect(connection.isClosed)
            // Who waits for an answer is not left waiting.
            await #expect(throws: FramingError.closed) { try await received.value }
            await #expect(throws: FramingError.closed) { try await connection.send([1]) }
            // The peer sees the end inside the message.
            let peer = Connection(try pair.peer.duplicate())
            do {
                _ = try peer.receive(until: .generous)
                Issue.record("a message came")
            } catch {
                guard case FramingError.endOfStreamDuringMessage(let missing) = error else { throw error }
                #expect((1..<message.count).contains(missing))
            }
        }
    }

    @Test("a cancelled send of which nothing was sent leaves the connection as it was")
    func nothingSent() async throws {
        try await ReactorThread.withOne { thread in
            let pair = try SocketPair()
            let near = pair.first.descriptor
            try near.setBlocking(false)
            var filled = 0
            let block = [UInt8](repeating: 0, count: 4096)
            while let count = try? block.withUnsafeBytes({ try near.write($0) }) { filled += count }
            try near.setBlocking(true)
            let connection = AsyncConnection(Connection(try pair.first.duplicate()), reactor: thread)
            let sent = Task { try await connection.send([1, 2, 3]) }
            await thread.waitForWaits(1)
            sent.cancel()
            await #expect(throws: CancellationError.self) { try await sent.value }
            #expect(!connection.isClosed)
            _ = try pair.second.descriptor.readExactly(filled)
            try await connection.send([4])
            #expect(try pair.second.descriptor.readExactly(5) == frame([4]))
        }
    }

    @Test("a receive that waits for its turn behind another can be cancelled by itself")
    func waitingForTurn() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            let received = Task { try await second.receive() }
            await thread.waitForWaits(1)
            for _ in 0..<20 {
                let next = Task { try await second.receive() }
                await Task.yield()
                next.cancel()
                await #expect(throws: CancellationError.self) { try await next.value }
            }
            // Neither the one that waits nor those that come after it have suffered.
            let last = Task { try await second.receive() }
            try await first.send([1])
            #expect(try await received.value == [1])
            try await first.send([2])
            #expect(try await last.value == [2])
        }
    }

    @Test("a send that waits for its turn behind another is cancelled as if it had not been")
    func sendWaitingForTurn() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            let message = pattern(4 << 20)
            let sent = Task { try await first.send(message) }
            await thread.waitForWaits(1)
            let next = Task { try await first.send([1]) }
            await Task.yield()
            next.cancel()
            await #expect(throws: CancellationError.self) { try await next.value }
            #expect(!first.isClosed)
            #expect(try await second.receive() == message)
            try await sent.value
            try await first.send([2])
            #expect(try await second.receive() == [2])
        }
    }

    @Test("receives that are cancelled while messages come lose none of them")
    func races() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            var received: [[UInt8]] = []
            for number in 0..<500 {
                let receiver = Task { try await second.receive() }
                if number.isMultiple(of: 2) { await Task.yield() }
                let sender = Task { try await first.send([UInt8(number % 251)]) }
                receiver.cancel()
                do {
                    received.append(try await receiver.value)
                } catch {
                    #expect(error is CancellationError)
                }
                try await sender.value
            }
            while received.count < 500 { received.append(try await second.receive()) }
            #expect(received == (0..<500).map { [UInt8($0 % 251)] })
        }
    }
}
