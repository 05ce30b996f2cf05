import AsyncFraming
import FDPassing
import Framing
import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("Messages over async connections", .timeLimit(.minutes(10)))
struct RoundTripTests {
    @Test("messages of all sizes arrive as they were sent")
    func sizes() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            // About the read-ahead buffer, the socket's buffer, and a header's edges.
            let sizes = [0, 1, 3, 4, 5, 4095, 4096, 32763, 32764, 32765, 65536, 212_992, 1_000_003, 8 << 20]
            let messages = sizes.enumerated().map { pattern($1, seed: $0) }
            async let sent: Void = {
                for message in messages { try await first.send(message) }
            }()
            for message in messages { #expect(try await second.receive() == message) }
            try await sent
        }
    }

    @Test("large messages cross in both directions at once, on one thread")
    func bothDirections() async throws {
        try await ReactorThread.withOne { thread in
            // Everything runs on the reactor's one thread: whatever blocked it would block it for good.
            try await withTaskExecutorPreference(thread) {
                let (first, second) = try connectedPair(reactor: thread)
                let messages = [pattern(8 << 20, seed: 1), pattern(8 << 20, seed: 2)]
                async let firstSent: Void = first.send(messages[0])
                async let secondSent: Void = second.send(messages[1])
                async let firstReceived = first.receive()
                async let secondReceived = second.receive()
                #expect(try await firstReceived == messages[1])
                #expect(try await secondReceived == messages[0])
                _ = try await (firstSent, secondSent)
            }
        }
    }

    @Test("thousands of small messages keep their order")
    func order() async throws {
        let (first, second) = try connectedPair()
        async let sent: Void = {
            for number in 0..<5000 { try await first.send(frameNumber(number)) }
        }()
        for number in 0..<5000 { #expect(try await second.receive() == frameNumber(number)) }
        try await sent
    }

    private func frameNumber(_ number: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(number).littleEndian) { Array($0) }
    }

    @Test("a message may arrive byte by byte")
    func byteByByte() async throws {
        let pair = try HalfPair()
        let peer = pair.peer.descriptor
        let connection = pair.connection
        async let received = connection.receive()
        for byte in frame(Array("slowly".utf8)) {
            try peer.writeAll([byte])
            await Task.yield()
        }
        #expect(try await received == Array("slowly".utf8))
    }

    @Test("the ends of a pipe carry messages in one direction")
    func pipe() async throws {
        try await ReactorThread.withOne { thread in
            let (reading, writing) = try Connection.pipe(duplex: false)
            let reader = AsyncConnection(reading, reactor: thread)
            let writer = AsyncConnection(writing, reactor: thread)
            let message = pattern(1 << 20)
            async let sent: Void = writer.send(message)
            #expect(try await reader.receive() == message)
            try await sent
            await #expect(throws: FramingError.notWritable) { try await reader.send([1]) }
            await #expect(throws: FramingError.notReadable) { try await writer.receive() }
        }
    }

    @Test("a blocking peer and an async one understand each other")
    func blockingPeer() async throws {
        let (blocking, other) = try Connection.pipe()
        let connection = AsyncConnection(other)
        let message = pattern(300_000)
        let peer = try Background {
            try blocking.send(message)
            return try blocking.receive()
        }
        let received = try await connection.receive()
        #expect(received == message)
        try await connection.send(received.reversed())
        #expect(try peer.get() == message.reversed())
    }

    @Test("a message longer than the limit is an error before it has come")
    func limit() async throws {
        let pair = try HalfPair()
        try pair.peer.descriptor.writeAll([0, 0, 1, 1])
        let connection = pair.connection
        await #expect(throws: FramingError.messageTooLong(length: 257, limit: 256)) {
            try await connection.receive(limit: 256)
        }
    }

    @Test("many connections are served at once by one reactor")
    func manyConnections() async throws {
        try await ReactorThread.withOne { thread in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    let (first, second) = try connectedPair(reactor: thread)
                    group.addTask {
                        for _ in 0..<20 { try await second.send(second.receive()) }
                    }
                    group.addTask {
                        for round in 0..<20 {
                            let message = pattern(round * 500, seed: index)
                            try await first.send(message)
                            #expect(try await first.receive() == message)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("descriptors travel beside a message")
    func descriptors() async throws {
        let (blocking, other) = try Connection.pipe()
        let receiver = Connection(try blocking.takeDescriptor(), descriptorLimit: 1)
        let sender = AsyncConnection(other)
        let pipe = try Pipe()
        try await sender.send([1], passing: [pipe.writeEnd.descriptor])
        #expect(try receiver.receive(until: .generous) == [1])
        var batch = try receiver.receiveDescriptors(1)
        let writeEnd = batch.takeNext()!
        try writeEnd.descriptor.writeAll("through the copy")
        #expect(try pipe.readEnd.descriptor.read(upTo: 100) == Array("through the copy".utf8))
    }
}
