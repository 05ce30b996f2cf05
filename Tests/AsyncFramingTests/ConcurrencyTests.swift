import AsyncFraming
import Framing
import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("Many tasks on async connections", .timeLimit(.minutes(10)))
struct ConcurrencyTests {
    @Test("messages of concurrent senders are not mixed")
    func senders() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            // Larger than the socket's buffer, so that each is sent in parts.
            let messages = (0..<16).map { pattern(300_000 + $0, seed: $0) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for message in messages { group.addTask { try await first.send(message) } }
                var arrived: Set<Int> = []
                for _ in messages {
                    let message = try await second.receive()
                    let index = message.count - 300_000
                    #expect(message == messages[index])
                    arrived.insert(index)
                }
                #expect(arrived == Set(messages.indices))
                try await group.waitForAll()
            }
        }
    }

    @Test("concurrent receivers each get a message of their own")
    func receivers() async throws {
        try await ReactorThread.withOne { thread in
            let (first, second) = try connectedPair(reactor: thread)
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<50 { group.addTask { try await second.receive() } }
                for number in 0..<50 { try await first.send([UInt8(number)]) }
                var received: Set<UInt8> = []
                for try await message in group { received.insert(message[0]) }
                #expect(received == Set(0..<50))
            }
        }
    }

    @Test("receives that wait block no thread that other tasks need")
    func pendingReceives() async throws {
        try await ReactorThread.withOne { thread in
            let count = 4 * cooperativeThreadCount
            let idle = try (0..<count).map { _ in try connectedPair(reactor: thread) }
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for (near, _) in idle { group.addTask { try await near.receive() } }
                await thread.waitForWaits(count)
                let (first, second) = try connectedPair(reactor: thread)
                for number in 0..<100 {
                    try await first.send([UInt8(number)])
                    #expect(try await second.receive() == [UInt8(number)])
                }
                for (_, far) in idle { try await far.send([9]) }
                for try await message in group { #expect(message == [9]) }
            }
        }
    }

    @Test("sends that wait for their peers block no thread that other tasks need")
    func pendingSends() async throws {
        try await ReactorThread.withOne { thread in
            let count = 4 * cooperativeThreadCount
            let full = try (0..<count).map { _ in try connectedPair(reactor: thread) }
            let message = pattern(2 << 20)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (near, _) in full { group.addTask { try await near.send(message) } }
                await thread.waitForWaits(count)
                let (first, second) = try connectedPair(reactor: thread)
                for number in 0..<100 {
                    try await first.send([UInt8(number)])
                    #expect(try await second.receive() == [UInt8(number)])
                }
                for (_, far) in full { #expect(try await far.receive() == message) }
                try await group.waitForAll()
            }
        }
    }

    @Test("one task may receive from itself, in a circle of connections")
    func ring() async throws {
        try await ReactorThread.withOne { thread in
            let pairs = try (0..<16).map { _ in try connectedPair(reactor: thread) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 1..<16 {
                    group.addTask {
                        for _ in 0..<50 { try await pairs[index].0.send(pairs[index - 1].1.receive() + [UInt8(index)]) }
                    }
                }
                for _ in 0..<50 {
                    try await pairs[0].0.send([0])
                    #expect(try await pairs[15].1.receive() == Array(0..<16))
                }
                try await group.waitForAll()
            }
        }
    }
}
