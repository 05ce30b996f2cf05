import FDPassing
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// Tasks that go together in one message are tasks of their own all the same.
@Suite("Tasks of one message", .timeLimit(.minutes(10))) struct ChunkTests {
    private func steps(_ count: Int, _ runs: borrowing RunCounter, _ special: [Int: Step.Action]) -> [Step] {
        (0..<count).map { Step(special[$0] ?? .nothing, noting: runs.file) }
    }

    private func limit(_ duration: Duration) -> TaskOptions {
        var options = TaskOptions()
        options.timeLimit = duration
        return options
    }

    @Test("a worker that dies takes along what it had begun; the others run, each once", arguments: [1, 2])
    func death(workers: Int) throws {
        let runs = try RunCounter()
        try withPool(workers: workers) { pool in
            let steps = steps(40, runs, [4: .die, 19: .die, 20: .die])
            let results = try outcomes(pool.results(of: steps, chunkSize: .fixed(20)))
            #expect(results.count == 40)
            // Those before the one that died were done, but their results were not sent.
            for (place, result) in results.enumerated() {
                let isLost = place <= 19 || place == 20
                #expect((result.lostWorker != nil) == isLost, "\(place)")
            }
            let failure = #expect(throws: MapFailure.self) { try pool.map(steps, chunkSize: .fixed(20)) }
            #expect(failure?.index == 4)
        }
        #expect(try runs.count() == 80)
    }

    @Test("a task that dies again and again is the only one that is not run, where tasks may be retried")
    func retries() throws {
        let runs = try RunCounter()
        try withPool(workers: 1) { pool in
            var options = TaskOptions()
            options.retries = 1
            let results = try outcomes(
                pool.results(of: steps(6, runs, [3: .die]), chunkSize: .fixed(6), options: options))
            #expect(results.map { $0.lostWorker != nil } == [true, true, true, true, false, false])
            #expect(pool.statistics.retried == 1)
        }
        #expect(try runs.count() == 4 + 4 + 2)
    }

    @Test("the time limit is each task's own: of many that take longer together none is killed")
    func timeLimitOfEach() throws {
        let runs = try RunCounter()
        try withPool(workers: 1) { pool in
            let naps = (0..<5).map { _ in Step(.nap(milliseconds: 600), noting: runs.file) }
            let done = try pool.map(naps, chunkSize: .fixed(5), options: limit(.seconds(2)))
            #expect(done.count == 5)
        }
        #expect(try runs.count() == 5)
    }

    @Test("the task that runs past its time limit is the one that has failed; those after it run")
    func timeLimit() throws {
        let runs = try RunCounter()
        try withPool(workers: 1) { pool in
            let steps = steps(6, runs, [2: .spin])
            let results = try outcomes(
                pool.results(of: steps, chunkSize: .fixed(6), options: limit(.milliseconds(300))))
            guard case .failure(.timeLimitExceeded(.milliseconds(300))) = results[2] else {
                Issue.record("\(results[2])")
                return
            }
            #expect(results.map { $0.lostWorker != nil } == [true, true, false, false, false, false])
            let failure = #expect(throws: MapFailure.self) {
                try pool.map(steps, chunkSize: .fixed(6), options: limit(.milliseconds(300)))
            }
            #expect(failure?.index == 2)
            guard case .timeLimitExceeded = failure?.error as? PoolError else {
                Issue.record("\(String(describing: failure))")
                return
            }
        }
        #expect(try runs.count() == 12)
    }

    @Test("tasks that may be killed for their time go alone, unless they are asked to go together")
    func aloneWithLimit() throws {
        try withPool(workers: 2) { pool in
            let tasks = (0..<2000).map { _ in AskWorker() }
            let facts = try pool.map(tasks, options: limit(.seconds(300)))
            #expect(Set(facts.map { "\($0.process) \($0.taskNumber)" }).count == 2000)
        }
    }

    @Test("each has its own soft deadline")
    func softDeadlines() throws {
        let runs = try RunCounter()
        try withPool(workers: 1) { pool in
            var options = TaskOptions()
            options.softTimeLimit = .seconds(300)
            let naps = steps(4, runs, [0: .nap(milliseconds: 30), 2: .nap(milliseconds: 30)])
            let left = try pool.map(naps, chunkSize: .fixed(4), options: options)
            // Those that came after a nap have no less time than the one that took it.
            #expect(left[1] > left[0] && left[3] > left[2])
            #expect(left.allSatisfy { $0 > 0 && $0 <= 300_000_000_000 })
        }
    }

    @Test("an async one is cancelled at its own soft deadline, and no other with it")
    func asyncSoftDeadlines() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            var options = TaskOptions()
            options.softTimeLimit = .milliseconds(400)
            let waits = [false, true, true, false, true, false]
            let tasks = waits.map { AsyncStep(waits: $0) }
            for _ in 0..<2 {
                #expect(try await pool.map(tasks, chunkSize: .fixed(6), options: options) == waits)
            }
            // Without one nobody cancels them.
            #expect(try await pool.map([AsyncStep(waits: false)], chunkSize: .fixed(6)) == [false])
        }
    }

    @Test("those that were not begun when they are cancelled do not run")
    func cancellation() async throws {
        let runs = try RunCounter()
        let held = try HeldTask()
        let steps = steps(50, runs, [0: .hold(held.task)])
        try await withPoolInTask(workers: 1) { pool async throws in
            let mapping = Task { try await pool.map(steps, chunkSize: .fixed(50)) }
            _ = try await blocking { try held.worker() }
            mapping.cancel()
            await #expect(throws: CancellationError.self) { try await mapping.value }
            held.letGo()
            #expect(try await pool.run(Add(1, 1)) == 2)
        }
        #expect(try runs.count() == 1)
    }
}
