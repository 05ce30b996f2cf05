import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Many tasks", .timeLimit(.minutes(10))) struct ConcurrencyTests {
    @Test("100 submitters of 20 tasks each, from threads and tasks at once, get each its own results")
    func manySubmitters() async throws {
        try await withPoolInTask(workers: 2) { pool async throws in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for submitter in 0..<100 {
                    if submitter.isMultiple(of: 2) {
                        group.addTask {
                            for index in 0..<20 {
                                guard try await pool.run(Add(submitter, index)) == submitter + index else {
                                    return false
                                }
                            }
                            return true
                        }
                    } else {
                        group.addTask {
                            try await blocking {
                                try (0..<20).allSatisfy { try pool.run(Add(submitter, $0)) == submitter + $0 }
                            }
                        }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(pool.statistics.queued == 0 && pool.statistics.running == 0)
        }
    }

    @Test("blocking and async runs alternate on one worker 6,000 times")
    func alternation() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let worker = try await pool.run(AskWorker()).process
            // Two that hand the only worker to and fro, so that most runs find it last used in the other way.
            async let blockingRuns = blocking {
                try (0..<3000).allSatisfy { try pool.run(Add($0, 1)) == $0 + 1 }
            }
            var isRight = true
            for number in 0..<3000 {
                let sum = try await pool.run(Add(number, 2))
                isRight = isRight && sum == number + 2
            }
            #expect(isRight)
            #expect(try await blockingRuns)
            // Strictly in turn as well.
            for number in 0..<100 {
                #expect(try await pool.run(AskWorker()).process == worker)
                #expect(try await blocking { try pool.run(Add(number, 1)) } == number + 1)
            }
        }
    }

    @Test("what waits beyond the limit is refused, and the rest runs")
    func queueLimit() throws {
        try withPool(workers: 1, pool: refusing(beyond: 2)) { pool in
            let held = try HeldTask()
            let holding = try Background { try pool.run(held.task) }
            let worker = try held.worker()
            let first = try Background { try pool.run(Add(1, 1)) }
            let second = try Background { try pool.run(AsyncEcho(2)) }
            #expect(becomesTrue { pool.statistics.queued == 2 })
            guard case .failure(.queueFull(limit: 2)) = try outcome({ try pool.run(Add(1, 1)) }) else {
                Issue.record("it was taken")
                return
            }
            let results = try outcomes(pool.results(of: [Add(3, 3)]))
            guard case .failure(.queueFull(limit: 2)) = results[0] else {
                Issue.record("\(results)")
                return
            }
            held.letGo()
            #expect(try holding.get() == worker)
            #expect(try first.get() == 2)
            #expect(try second.get() == 2)
            #expect(try pool.run(Add(4, 4)) == 8)
        }
    }

    @Test("a task that is cancelled while it waits never runs")
    func cancelledWaiting() async throws {
        let runs = try RunCounter()
        try await withPoolInTask(workers: 1) { pool async throws in
            let held = try HeldTask()
            async let holding = pool.run(held.task)
            _ = try await blocking { try held.worker() }
            let file = runs.file
            let waiting = Task { try await pool.run(NoteRun(file: file)) }
            #expect(try await blocking { becomesTrue { pool.statistics.queued == 1 } })
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            #expect(pool.statistics.queued == 0)
            held.letGo()
            _ = try await holding
            #expect(try await pool.run(Add(1, 1)) == 2)
        }
        #expect(try runs.count() == 0)
    }

    @Test("a task that is cancelled before it is submitted never runs")
    func cancelledBefore() async throws {
        let runs = try RunCounter()
        try await withPoolInTask(workers: 1) { pool async throws in
            #expect(try await pool.run(Add(1, 1)) == 2)
            let file = runs.file
            for _ in 0..<50 {
                let gate = AsyncStream<Void>.makeStream()
                let task = Task {
                    for await _ in gate.stream {}
                    return try await pool.run(NoteRun(file: file))
                }
                task.cancel()
                gate.continuation.finish()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
            #expect(try await pool.run(Add(1, 1)) == 2)
        }
        #expect(try runs.count() == 0)
    }

    @Test("of a task that is cancelled while it runs the result is dropped, and its worker goes on")
    func cancelledRunning() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let held = try HeldTask()
            let running = Task { try await pool.run(held.task) }
            let worker = try await blocking { try held.worker() }
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
            held.letGo()
            #expect(try await pool.run(AskWorker()).process == worker)
        }
    }

    @Test("tasks that are cancelled at any moment end, one way or the other, and the pool goes on")
    func cancelledAnyTime() async throws {
        try await withPoolInTask(workers: 2) { pool async throws in
            for round in 0..<300 {
                let task = Task { try await pool.run(Add(round, 1)) }
                for _ in 0..<(round % 7) { await Task.yield() }
                task.cancel()
                switch await task.result {
                case .success(let sum): #expect(sum == round + 1)
                case .failure(let error): #expect(error is CancellationError)
                }
            }
            #expect(try await pool.run(Add(1, 1)) == 2)
        }
    }
}

@Suite("map", .timeLimit(.minutes(10))) struct MapTests {
    @Test(
        "results come in the order of the tasks, whatever the size of the chunks",
        arguments: [.automatic, .fixed(1), .fixed(3), .fixed(100), .fixed(101), .fixed(1_000_000)] as [ChunkSize])
    func order(chunkSize: ChunkSize) async throws {
        let tasks = (0..<101).map { Add($0, 1) }
        try await withPoolInTask { pool async throws in
            #expect(try await pool.map(tasks, chunkSize: chunkSize) == Array(1...101))
            #expect(try await blocking { try pool.map(tasks, chunkSize: chunkSize) } == Array(1...101))
        }
    }

    @Test("no tasks give no results")
    func empty() async throws {
        try await withPoolInTask { pool async throws in
            #expect(try await pool.map([Add]()) == [])
            #expect(try await blocking { try pool.map([Add]()) } == [])
        }
    }

    @Test("an error inside a chunk is that task's alone; map throws the first", arguments: [1, 4, 50])
    func errors(chunkSize: Int) throws {
        try withPool { pool in
            let tasks = (1...50).map { FailWhenDivisible($0, by: 7) }
            let results = Array(pool.results(of: tasks, chunkSize: .fixed(chunkSize)))
            for (number, result) in zip(1..., results) {
                #expect(result.index == number - 1)
                switch result.result {
                case .success(let output): #expect(output == number && !number.isMultiple(of: 7))
                case .failure(let error): #expect((error as? TestFailure)?.text == "number \(number)")
                }
            }
            let failure = #expect(throws: MapFailure.self) { try pool.map(tasks, chunkSize: .fixed(chunkSize)) }
            #expect(failure?.index == 6)
            #expect((failure?.error as? TestFailure)?.text == "number 7")
        }
    }

    @Test("a map that is cancelled ends with CancellationError, before it begins and in its midst")
    func cancelled() async throws {
        let runs = try RunCounter()
        try await withPoolInTask(workers: 1) { pool async throws in
            let file = runs.file
            let gate = AsyncStream<Void>.makeStream()
            let early = Task {
                for await _ in gate.stream {}
                return try await pool.map([NoteRun(file: file)])
            }
            early.cancel()
            gate.continuation.finish()
            await #expect(throws: CancellationError.self) { try await early.value }

            let held = try HeldTask()
            async let holding = pool.run(held.task)
            _ = try await blocking { try held.worker() }
            let late = Task { try await pool.map((0..<1000).map { _ in NoteRun(file: file) }, chunkSize: .fixed(1)) }
            #expect(try await blocking { becomesTrue { pool.statistics.queued == 64 } })
            late.cancel()
            // While the only worker is held: what was submitted is not waited for.
            await #expect(throws: CancellationError.self) { try await late.value }
            #expect(pool.statistics.queued == 0)
            held.letGo()
            _ = try await holding
        }
        #expect(try runs.count() == 0)
    }

    @Test("many tasks that cannot be encoded fail, each by itself, without a deep stack")
    func unencodable() throws {
        try withPool { pool in
            let file = PassedDescriptor(try OwnedFileDescriptor.open("/dev/null", .readOnly))
            _ = file.take()
            let results = try outcomes(
                pool.results(of: Array(repeating: NoteRun(file: file), count: 20_000), chunkSize: .fixed(1)))
            #expect(results.count == 20_000)
            #expect(results.allSatisfy { if case .failure(.coding) = $0 { true } else { false } })
        }
    }
}
