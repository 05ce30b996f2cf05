import AsyncFraming
import Framing
import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("Deadlines of async connections", .timeLimit(.minutes(10)))
struct DeadlineTests {
    @Test("a receive that times out keeps what has come of the message", arguments: [0, 1, 4, 7, 100_003])
    func receiving(partial: Int) async throws {
        try await ReactorThread.withOne { thread in
            let pair = try HalfPair(reactor: thread)
            let connection = pair.connection
            let peer = pair.peer.descriptor
            let message = pattern(200_000)
            let bytes = frame(message)
            try peer.writeAll(Array(bytes[..<partial]))
            for deadline in [Deadline.now, .after(.milliseconds(5)), .after(.seconds(-1))] {
                await #expect(throws: FramingError.timedOut) { try await connection.receive(until: deadline) }
            }
            #expect(await thread.registered == [])
            let rest = try Background { try peer.writeAll(bytes[partial...] + frame([7])) }
            #expect(try await connection.receive(until: .generous) == message)
            #expect(try await connection.receive(until: .generous) == [7])
            try rest.get()
        }
    }

    @Test("a send that times out before any of it was sent is as if it had not been")
    func nothingSent() async throws {
        try await ReactorThread.withOne { thread in
            let pair = try HalfPair(reactor: thread)
            let connection = pair.connection
            let filled = try await fillUp(pair.connection, thread)
            for deadline in [Deadline.now, .after(.milliseconds(5))] {
                await #expect(throws: FramingError.timedOut) { try await connection.send([1], until: deadline) }
            }
            #expect(!connection.isClosed)
            let peer = pair.peer.descriptor
            let sent = Task { try await connection.send([2], until: .generous) }
            await thread.waitForWaits(1)
            _ = try peer.readExactly(filled)
            try await sent.value
            #expect(try peer.readExactly(5) == frame([2]))
        }
    }

    /// Sends messages until there is no room for the next; returns how many bytes that was.
    private func fillUp(_ connection: AsyncConnection, _ thread: ReactorThread) async throws -> Int {
        var filled = 0
        while true {
            do {
                try await connection.send(pattern(500), until: .now)
                filled += 504
            } catch FramingError.timedOut {
                return filled
            }
        }
    }

    @Test("a send that times out when a part was sent closes the connection", arguments: [true, false])
    func partlySent(overSocket: Bool) async throws {
        try await ReactorThread.withOne { thread in
            let (far, near) = try Connection.pipe(duplex: overSocket)
            let connection = AsyncConnection(near, reactor: thread)
            let message = pattern(8 << 20)
            let error = await #expect(throws: FramingError.self) {
                try await connection.send(message, until: .after(.milliseconds(20)))
            }
            guard case .partlySent(let sent, message.count + 4) = error else { throw error! }
            #expect((1..<message.count).contains(sent))
            #expect(connection.isClosed)
            await #expect(throws: FramingError.closed) { try await connection.send([1]) }
            // The peer sees the end where it says.
            #expect(throws: FramingError.endOfStreamDuringMessage(missing: message.count + 4 - sent)) {
                try far.receive(until: .generous)
            }
        }
    }

    @Test("a receive keeps its deadline while another task receives")
    func receivingInTurn() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            let receiving = Task { try await second.receive() }
            await thread.waitForWaits(1)
            for deadline in [Deadline.now, .after(.milliseconds(5)), .after(.seconds(-1))] {
                await #expect(throws: FramingError.timedOut) { try await second.receive(until: deadline) }
                #expect(try await !second.poll(until: deadline))
            }
            try await first.send([1])
            #expect(try await receiving.value == [1])
            try await first.send([2])
            #expect(try await second.receive(until: .generous) == [2])
        }
    }

    @Test("a send keeps its deadline while another task sends, and nothing of it goes out")
    func sendingInTurn() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            let message = pattern(8 << 20)
            let sending = Task { try await first.send(message) }
            await thread.waitForWaits(1)
            for deadline in [Deadline.now, .after(.milliseconds(5))] {
                await #expect(throws: FramingError.timedOut) { try await first.send([1], until: deadline) }
            }
            #expect(!first.isClosed)
            #expect(try await second.receive(until: .generous) == message)
            try await sending.value
            try await first.send([2])
            #expect(try await second.receive(until: .generous) == [2])
        }
    }

    @Test("many that wait for their turn, with and without deadlines, are let through in their order")
    func line() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            try await withThrowingTaskGroup(of: UInt8?.self) { group in
                for index in 0..<60 {
                    let deadline: Deadline = [.never, .generous, .after(.milliseconds(5))][index % 3]
                    group.addTask {
                        do {
                            return try await second.receive(until: deadline)[0]
                        } catch FramingError.timedOut {
                            return nil
                        }
                    }
                }
                // Those with a short deadline are gone when the first message comes.
                var timedOut = 0
                while timedOut < 20 {
                    #expect(try await group.next() == .some(nil))
                    timedOut += 1
                }
                for number in 0..<40 as Range<UInt8> { try await first.send([number]) }
                var received: Set<UInt8> = []
                for try await number in group { received.insert(try #require(number)) }
                #expect(received == Set(0..<40))
            }
        }
    }

    @Test("polling sees a message, a part of one, read-ahead and the end, and otherwise its deadline")
    func polling() async throws {
        try await ReactorThread.withOne { thread in
            let pair = try HalfPair(reactor: thread)
            let connection = pair.connection
            let peer = pair.peer.descriptor
            for deadline in [Deadline.now, .after(.milliseconds(5)), .after(.seconds(-1))] {
                #expect(try await !connection.poll(until: deadline))
            }
            #expect(try await !connection.poll())
            let polling = Task { try await connection.poll(until: .generous) }
            await thread.waitForWaits(1)
            try peer.writeAll([0])
            #expect(try await polling.value)
            try peer.writeAll([0, 0, 0] + frame([8]))
            #expect(try await connection.receive() == [])
            #expect(try await connection.poll())
            #expect(try await connection.receive() == [8])
            #expect(try await !connection.poll())
            let waiting = Task { try await connection.poll(until: .never) }
            await thread.waitForWaits(1)
            try peer.shutdownSending()
            #expect(try await waiting.value)
            await #expect(throws: FramingError.endOfFile) { try await connection.receive() }
        }
    }

    @Test("a poll can be cancelled, and takes nothing away")
    func cancelledPoll() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            let polling = Task { try await second.poll(until: .never) }
            await thread.waitForWaits(1)
            polling.cancel()
            await #expect(throws: CancellationError.self) { try await polling.value }
            try await first.send([1])
            #expect(try await second.poll(until: .generous))
            #expect(try await second.receive() == [1])
        }
    }

    @Test("descriptors come with async messages, in their order, also in several batches")
    func descriptors() async throws {
        try await ReactorThread.withOne { thread in
            let pair = try SocketPair()
            let sender = AsyncConnection(Connection(pair.first), reactor: thread)
            let receiver = AsyncConnection(Connection(pair.second, descriptorLimit: 300), reactor: thread)
            let firstPipe = try Pipe()
            let secondPipe = try Pipe()
            let ends = [firstPipe.readEnd.descriptor, secondPipe.readEnd.descriptor]
            let passed = (0..<300).map { ends[$0 < 260 ? 0 : 1] }
            let message = pattern(1 << 20)
            async let sent: Void = sender.send(message, passing: passed)
            #expect(try await receiver.receive(until: .generous) == message)
            try await sent
            var batch = try receiver.receiveDescriptors(300)
            for place in [0, 259, 260, 299] {
                guard let arrived = batch.take(at: place) else { throw Errno.badFileDescriptor }
                #expect(try arrived.descriptor.status().identity == passed[place].status().identity)
            }
            #expect(throws: FramingError.missingDescriptors(expected: 1, arrived: 0)) {
                _ = try receiver.receiveDescriptors(1)
            }
        }
    }
}
