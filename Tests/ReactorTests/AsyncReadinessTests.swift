import Reactor
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("Awaiting readiness", .timeLimit(.minutes(10)))
struct AsyncReadinessTests {
    /// Runs a test with a thread of its own, and makes sure that it leaves nothing registered.
    private func withThread(
        _ backend: Backend, _ body: (ReactorThread) async throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let thread = try ReactorThread(name: "reactor test", backend: backend.type)
        defer { thread.stop() }
        try await body(thread)
        #expect(await registered(in: thread) == [], sourceLocation: sourceLocation)
    }

    private func registered(in thread: ReactorThread) async -> [FileDescriptor] {
        await withCheckedContinuation { continuation in
            thread.schedule { continuation.resume(returning: $0.readers + $0.writers) }
        }
    }

    /// Starts a wait that does not end by itself, and returns when it is under way.
    private func startWaiting(
        in thread: ReactorThread, _ wait: @escaping @Sendable () async throws -> Void
    ) async -> Task<Void, any Error> {
        let before = await registered(in: thread).count
        let task = Task { try await wait() }
        while await registered(in: thread).count == before { await Task.yield() }
        return task
    }

    @Test("a wait ends when the descriptor is ready", arguments: Backend.all)
    func ready(backend: Backend) async throws {
        try await withThread(backend) { thread in
            let sockets = try SocketPair()
            let (near, far) = (sockets.first.descriptor, sockets.second.descriptor)
            try await thread.waitUntilWritable(near)
            let wait = await startWaiting(in: thread) {
                try await thread.waitUntilReadable(near)
            }
            #expect(await registered(in: thread).count == 1)
            try far.writeAll("x")
            try await wait.value
            // What is ready already is waited for all the same.
            try await thread.waitUntilReadable(near)
            #expect(try near.read(upTo: 10) == Array("x".utf8))
        }
    }

    @Test("a wait ends when the peer hangs up, or is gone", arguments: Backend.all)
    func hangUp(backend: Backend) async throws {
        try await withThread(backend) { thread in
            let pair = try SocketPair()
            let near = pair.first.descriptor
            let reading = await startWaiting(in: thread) { try await thread.waitUntilReadable(near) }
            try pair.second.descriptor.shutdown()
            try await reading.value
            let pipe = try Pipe()
            let writeEnd = pipe.writeEnd.descriptor
            pipe.readEnd.discard()
            try await thread.waitUntilWritable(writeEnd)
        }
    }

    @Test("one task may wait to read while another waits to write", arguments: Backend.all)
    func bothDirections(backend: Backend) async throws {
        try await withThread(backend) { thread in
            let sockets = try SocketPair()
            let (descriptor, far) = (sockets.first.descriptor, sockets.second.descriptor)
            let count = try End(try sockets.first.duplicate()).fill()
            let reading = await startWaiting(in: thread) { try await thread.waitUntilReadable(descriptor) }
            let writing = await startWaiting(in: thread) { try await thread.waitUntilWritable(descriptor) }
            _ = try far.readExactly(count)
            try await writing.value
            #expect(await registered(in: thread).count == 1)
            try far.writeAll("x")
            try await reading.value
        }
    }

    @Test("several tasks wait for the same descriptor, one that is cancelled leaves the others", arguments: Backend.all)
    func sameDescriptor(backend: Backend) async throws {
        try await withThread(backend) { thread in
            let pipe = try Pipe()
            let descriptor = pipe.readEnd.descriptor
            let first = await startWaiting(in: thread) { try await thread.waitUntilReadable(descriptor) }
            let second = await startWaiting(in: thread) { try await thread.waitUntilReadable(descriptor) }
            let third = await startWaiting(in: thread) { try await thread.waitUntilReadable(descriptor) }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            try pipe.writeEnd.descriptor.writeAll("x")
            try await first.value
            try await third.value
        }
    }

    @Test("who waits when the thread is stopped, or afterwards, is told", arguments: Backend.all)
    func stopped(backend: Backend) async throws {
        let thread = try ReactorThread(name: "reactor test", backend: backend.type)
        let pipe = try Pipe()
        let descriptor = pipe.readEnd.descriptor
        let wait = await startWaiting(in: thread) { try await thread.waitUntilReadable(descriptor) }
        thread.stop()
        await #expect(throws: CancellationError.self) { try await wait.value }
        await #expect(throws: CancellationError.self) { try await thread.waitUntilReadable(descriptor) }
    }

    @Test("a descriptor that is not open is an error", arguments: Backend.all)
    func notOpen(backend: Backend) async throws {
        try await withThread(backend) { thread in
            for descriptor in try unopenDescriptors() {
                await #expect(throws: Errno.badFileDescriptor) { try await thread.waitUntilReadable(descriptor) }
                await #expect(throws: Errno.badFileDescriptor) { try await thread.waitUntilWritable(descriptor) }
            }
        }
    }

    @Test("a wait of a task that was cancelled before throws and registers nothing", arguments: Backend.all)
    func cancelledBefore(backend: Backend) async throws {
        try await withThread(backend) { thread in
            let pipe = try Pipe()
            let descriptor = pipe.readEnd.descriptor
            let task = Task.detached {
                while !Task.isCancelled { await Task.yield() }
                try await thread.waitUntilReadable(descriptor)
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test("a wait that is cancelled throws, and the descriptor is free for the next", arguments: Backend.all)
    func cancelledDuring(backend: Backend) async throws {
        try await withThread(backend) { thread in
            let pipe = try Pipe()
            let (readEnd, writeEnd) = (pipe.readEnd.descriptor, pipe.writeEnd.descriptor)
            for _ in 0..<100 {
                let wait = await startWaiting(in: thread) { try await thread.waitUntilReadable(readEnd) }
                wait.cancel()
                await #expect(throws: CancellationError.self) { try await wait.value }
                // Removed before the task is told: it may close the descriptor.
                #expect(await registered(in: thread) == [])
            }
            let wait = await startWaiting(in: thread) { try await thread.waitUntilReadable(readEnd) }
            try writeEnd.writeAll("x")
            try await wait.value
        }
    }

    @Test("a wait that is cancelled while it becomes ready ends once, in one way or the other", arguments: Backend.all)
    func cancelledWhileReady(backend: Backend) async throws {
        try await withThread(backend) { thread in
            let pipe = try Pipe()
            let (readEnd, writeEnd) = (pipe.readEnd.descriptor, pipe.writeEnd.descriptor)
            for round in 0..<500 {
                let wait = Task { try await thread.waitUntilReadable(readEnd) }
                if round.isMultiple(of: 2) { await Task.yield() }
                let writer = Task.detached { try writeEnd.writeAll("x") }
                wait.cancel()
                do {
                    try await wait.value
                } catch {
                    #expect(error is CancellationError)
                }
                try await writer.value
                #expect(try readEnd.read(upTo: 10).count == 1)
            }
        }
    }

    @Test("hundreds of waits end each at its own descriptor's readiness", arguments: Backend.all)
    func many(backend: Backend) async throws {
        try await withThread(backend) { thread in
            // Both ends of a pair are waited for; each is made readable by its peer.
            let channels = try (0..<150).map { _ in try Channel.sockets() }
            let ends = channels.flatMap { [$0.near.descriptor, $0.far.descriptor] }
            let peers = channels.flatMap { [$0.far.descriptor, $0.near.descriptor] }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for (index, end) in ends.enumerated() {
                    group.addTask {
                        try await thread.waitUntilReadable(end)
                        return Int(try end.readExactly(1)[0]) + index / 256 * 256
                    }
                }
                while await registered(in: thread).count < ends.count { await Task.yield() }
                for (index, peer) in peers.enumerated().reversed() { try peer.writeAll([UInt8(index % 256)]) }
                var ended: Set<Int> = []
                for try await index in group { ended.insert(index) }
                #expect(ended == Set(ends.indices))
            }
            // The waits held only numbers.
            withExtendedLifetime(channels) {}
        }
    }
}
