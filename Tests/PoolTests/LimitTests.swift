import FDPassing
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Limits", .timeLimit(.minutes(10))) struct LimitTests {
    @Test("a task that runs past its time limit ends with its worker, which is replaced; others never notice")
    func hardLimit() throws {
        try withPool(workers: 2) { pool in
            let started = try Pipe()
            var limited = TaskOptions()
            limited.timeLimit = .milliseconds(50)
            let other = try HeldTask()
            let holding = try Background { try pool.run(other.task) }
            _ = try other.worker()
            let result = try outcome {
                try pool.run(SpinTask(PassedDescriptor(duplicating: started.writeEnd.descriptor)), options: limited)
            }
            let worker = try WatchedNumber(started.readEnd.descriptor.readLine())
            guard case .failure(.timeLimitExceeded(.milliseconds(50))) = result else {
                Issue.record("\(result)")
                return
            }
            #expect(becomesTrue { !worker.exists })
            other.letGo()
            _ = try holding.get()
            limited.timeLimit = .seconds(300)
            for _ in 0..<100 { #expect(try pool.run(Add(1, 1), options: limited) == 2) }
        }
    }

    @Test("the time limit counts from when the task is begun, not from when it was submitted")
    func limitCountsFromBeginning() throws {
        try withPool(workers: 1) { pool in
            let held = try HeldTask()
            let holding = try Background { try pool.run(held.task) }
            _ = try held.worker()
            var options = TaskOptions()
            options.timeLimit = .seconds(1)
            let waiting = try Background { [options] in try pool.run(Add(1, 1), options: options) }
            #expect(becomesTrue { pool.statistics.queued == 1 })
            // Longer than the limit.
            Deadline.after(.milliseconds(1100)).sleep()
            held.letGo()
            _ = try holding.get()
            #expect(try waiting.get() == 2)
        }
    }

    @Test("past the soft limit a task sees its deadline, and an async one is cancelled; the worker goes on")
    func softLimit() throws {
        try withPool(workers: 1) { pool in
            let started = try Pipe()
            let signal = try PassedDescriptor(duplicating: started.writeEnd.descriptor)
            var options = TaskOptions()
            options.softTimeLimit = .milliseconds(20)
            #expect(throws: SoftTimeLimitExceeded.self) { try pool.run(RunUntilTold(signal), options: options) }
            let worker = try started.readEnd.descriptor.readLine()
            #expect(try started.readEnd.descriptor.readLine().contains("SoftTimeLimitExceeded"))
            let error = #expect(throws: RemoteError.self) { try pool.run(SleepUntilTold(signal), options: options) }
            #expect(error?.type == "Swift.CancellationError")
            #expect(try started.readEnd.descriptor.readLine() == worker)
            #expect(try started.readEnd.descriptor.readLine() == "told: false")
            #expect("\(try pool.run(AskWorker()).process)" == worker)
        }
    }

    @Test("a worker is replaced after as many tasks as it may run", arguments: [1, 3])
    func tasksPerWorker(limit: Int) throws {
        try withPool(workers: 1, pool: poolOptions { $0.tasksPerWorker = limit }) { pool in
            let facts = try pool.map((0..<limit * 4).map { _ in AskWorker() }, chunkSize: .fixed(1))
            #expect(facts.map(\.taskNumber) == (0..<limit * 4).map { $0 % limit + 1 })
            #expect(Set(facts.map(\.process)).count == 4)
        }
    }

    @Test("a worker that has more memory than it may is replaced when its task is done")
    func memoryLimit() throws {
        try withPool(workers: 1, pool: poolOptions { $0.memoryLimitKiB = 64 << 10 }) { pool in
            let first = try pool.run(TakeMemory(mebibytes: 1))
            #expect(try pool.run(TakeMemory(mebibytes: 1)) == first)
            #expect(try pool.run(TakeMemory(mebibytes: 100)) == first)
            #expect(try pool.run(TakeMemory(mebibytes: 1)) != first)
        }
    }

    @Test("who submits while the queue is full waits, and is let in in turn")
    func backPressure() async throws {
        try await withPoolInTask(workers: 1, pool: poolOptions { $0.queueLimit = 2 }) { pool async throws in
            let held = try HeldTask()
            let holding = try await pool.submit(held.task)
            _ = try await blocking { try held.worker() }
            let waiting = [try await pool.submit(Add(1, 0)), try await pool.submit(Add(2, 0))]
            let third = Task { try await pool.submit(Add(3, 0)) }
            let fourth = Task { try await pool.submit(Add(4, 0)) }
            #expect(try await blocking { becomesTrue { pool.statistics.queued == 4 } })
            fourth.cancel()
            #expect(try await blocking { becomesTrue { pool.statistics.queued == 3 } })
            await #expect(throws: CancellationError.self) { try await fourth.value.value }
            held.letGo()
            _ = try await holding.value
            #expect(try await waiting[0].value == 1)
            #expect(try await waiting[1].value == 2)
            #expect(try await third.value.value == 3)
        }
    }

    @Test(
        "workers that die at start are given up with what they wrote, and tried again later", arguments: [true, false])
    func restartLimit(traps: Bool) throws {
        let options = poolOptions {
            $0.initializer = FailToInitialize("no such database", traps: traps)
            $0.restartLimit = Pool.RestartLimit(3, within: .seconds(5))
        }
        // A backtrace may take longer than that.
        let server = hosted { $0.environment["SWIFT_BACKTRACE"] = "enable=no" }
        try withPool(workers: 2, server, pool: options) { pool in
            for round in 0..<2 {
                let result = try outcome { try pool.run(Add(1, 1)) }
                guard case .failure(.workersKeepDying(3, let last)) = result else {
                    Issue.record("\(result)")
                    return
                }
                #expect(last.standardError.contains("no such database"))
                #expect("\(PoolError.workersKeepDying(count: 3, last: last))".contains("no such database"))
                if round == 0 {
                    // As long as it rests it says so at once; afterwards it begins anew.
                    let restarts = pool.statistics.restarts
                    #expect(
                        becomesTrue {
                            _ = try? pool.run(Add(1, 1))
                            return pool.statistics.restarts > restarts
                        })
                }
            }
        }
    }
}

/// A process by its number.
struct WatchedNumber {
    private let process: ProcessID

    init(_ line: String) throws {
        guard let number = Int32(line) else { throw UnexpectedReport(line: line) }
        process = ProcessID(rawValue: number)
    }

    var exists: Bool { process.exists }
}
