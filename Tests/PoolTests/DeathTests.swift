import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Workers die", .timeLimit(.minutes(10))) struct WorkerDeathTests {
    @Test(
        "a worker that takes itself down fails its task with its number and end, and is replaced",
        arguments: EndWorker.Way.allCases)
    func endsItself(way: EndWorker.Way) throws {
        try withPool(workers: 1) { pool in
            for _ in 0..<3 {
                let worker = try pool.run(AskWorker()).process
                let lost = try #require(try outcome { try pool.run(EndWorker(way)) }.lostWorker)
                #expect(lost.processID == worker)
                switch (way, lost.status) {
                case (.exit, .exited(0)), (.kill, .signaled(9, coreDumped: false)): break
                case (.trap, .signaled(let signal, _)):
                    #expect([Signal.illegalInstruction, .trap, .abort].map(\.rawValue).contains(signal))
                default: Issue.record("\(way): \(lost.status)")
                }
                #expect("\(PoolError.workerDied(lost))".contains("worker \(worker)"))
                let next = try pool.run(AskWorker())
                #expect(next.process != worker)
                #expect(next.taskNumber == 1)
            }
        }
    }

    @Test("the same for async code")
    func endsItselfAsync() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            for way in EndWorker.Way.allCases {
                let worker = try await pool.run(AskWorkerAsync()).process
                let lost = try await asyncOutcome { try await pool.run(EndWorker(way)) }.lostWorker
                #expect(lost?.processID == worker)
                #expect(try await pool.run(AskWorkerAsync()).process != worker)
            }
        }
    }

    @Test("an idle worker that is killed is replaced, and no task fails")
    func idleWorker() throws {
        try withPool(workers: 1) { pool in
            for _ in 0..<10 {
                let worker = try WatchedProcess(try pool.run(AskWorker()).process)
                try worker.send(.kill)
                #expect(try worker.ends())
                // The only one is dead, whether the pool knows it yet or not.
                #expect(try pool.run(AskWorker()).process != worker.process)
            }
        }
    }

    @Test("an idle worker that is killed is replaced, and no async task fails")
    func idleWorkerAsync() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            for _ in 0..<10 {
                let worker = try WatchedProcess(try await pool.run(AskWorker()).process)
                try worker.send(.kill)
                #expect(try await blocking { try worker.ends() })
                #expect(try await pool.run(AskWorker()).process != worker.process)
            }
        }
    }

    @Test("a busy worker that is killed loses only its own task")
    func busyWorker() throws {
        try withPool(workers: 2) { pool in
            let victim = try HeldTask()
            let other = try HeldTask()
            let lost = try Background { try outcome { try pool.run(victim.task) } }
            let worker = try victim.worker()
            let kept = try Background { try pool.run(other.task) }
            let otherWorker = try other.worker()
            let waiting = try Background { try pool.run(Add(20, 22)) }
            #expect(becomesTrue { pool.statistics.queued == 1 })
            try WatchedProcess(worker).send(.kill)
            let death = try #require(try lost.get().lostWorker)
            #expect(death.processID == worker)
            #expect(death.status == .signaled(9, coreDumped: false))
            #expect(try waiting.get() == 42)
            other.letGo()
            #expect(try kept.get() == otherWorker)
        }
    }

    @Test("a worker that is killed while a large task is on its way to it fails that task")
    func killedWhileSending() async throws {
        let bytes = pattern(16 << 20)
        try await withPoolInTask(workers: 1) { pool async throws in
            for isBlocking in [true, false] {
                let worker = try WatchedProcess(try await pool.run(AskWorker()).process)
                // Stopped, it reads nothing: the task fills the socket and stays.
                try worker.send(.stop)
                async let result = asyncOutcome {
                    isBlocking
                        ? try await blocking { try pool.run(Echo(bytes)) } : try await pool.run(Echo(bytes))
                }
                #expect(try await blocking { becomesTrue { pool.statistics.running == 1 } })
                try worker.send(.kill)
                switch try await result {
                case .success(let echo): #expect(echo == bytes)
                case .failure(.workerDied(let death)): #expect(death.processID == worker.process)
                case .failure(let error): Issue.record("\(error)")
                }
                #expect(try await pool.run(Add(1, 1)) == 2)
            }
        }
    }

    @Test("1,000 tasks while workers are killed at random: each ends in its result or in a worker's death")
    func randomKills() async throws {
        try await withPoolInTask(workers: 3) { pool async throws in
            let killer = Killer(of: pool, seed: 1)
            let killing = Task { try await blocking { try killer.run() } }
            let outcomes = try await withThrowingTaskGroup(of: (Int, Result<Int, PoolError>).self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        switch number % 4 {
                        case 0: (number, try await asyncOutcome { try await pool.run(Add(number, 1)) })
                        case 1: (number, try await asyncOutcome { try await pool.run(AsyncEcho(number + 1)) })
                        case 2: (number, try await blocking { try outcome { try pool.run(Add(number, 1)) } })
                        default: (number, try await blocking { try outcome { try pool.run(AsyncEcho(number + 1)) } })
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            killer.stop()
            #expect(try await killing.value > 0)
            #expect(outcomes.count == 1000)
            for (number, outcome) in outcomes {
                switch outcome {
                case .success(let result): #expect(result == number + 1)
                case .failure(.workerDied(let death)): #expect(death.status == .signaled(9, coreDumped: false))
                case .failure(let error): Issue.record("\(error)")
                }
            }
            // A worker that was killed last may be given one more task before it is gone; but no more than each of them.
            var last = try await asyncOutcome { try await pool.run(Add(1, 1)) }
            for _ in 0..<3 where last.lostWorker != nil {
                last = try await asyncOutcome { try await pool.run(Add(1, 1)) }
            }
            #expect(try last.get() == 2)
        }
    }

    @Test("a map in the midst of kills has a result or a worker's death for each of its tasks, in their order")
    func mapDuringKills() throws {
        try withPool(workers: 3) { pool in
            let killer = Killer(of: pool, seed: 2)
            let killing = try Background { try killer.run() }
            for _ in 0..<5 {
                let results = try outcomes(pool.results(of: (0..<500).map { Add($0, 1) }, chunkSize: .fixed(7)))
                #expect(results.count == 500)
                for (number, result) in results.enumerated() {
                    switch result {
                    case .success(let sum): #expect(sum == number + 1)
                    case .failure(.workerDied(let death)): #expect(death.status == .signaled(9, coreDumped: false))
                    case .failure(let error): Issue.record("\(error)")
                    }
                }
            }
            killer.stop()
            #expect(try killing.get() > 0)
        }
    }

    @Test("workers that die at once are started again ever more slowly, and their tasks end in errors")
    func crashLoop() throws {
        let directory = try TemporaryDirectory()
        let log = try directory.create("starts")
        let options = hosted {
            $0.preloads = [CrashingChildren(log: directory.file("starts"))]
            // They would crash too, at times of their own.
            $0.spares = .none
        }
        try withPool(workers: 1, options) { pool in
            // Each entry is a timespec.
            #expect(try becomesTrue { try log.descriptor.status().size >= 16 * 9 })
            let bytes = try log.descriptor.readToEnd()
            let times = stride(from: 0, to: 16 * 9, by: 16).map { entry in
                bytes.withUnsafeBytes {
                    $0.loadUnaligned(fromByteOffset: entry, as: Int.self) * 1_000_000_000
                        + $0.loadUnaligned(fromByteOffset: entry + 8, as: Int.self)
                }
            }
            // A pause is never shorter than asked for, however busy the machine.
            #expect(times[8] - times[7] >= 100_000_000)
            // A task that is there when they give up, and one that comes after it.
            for _ in 0..<2 {
                let outcome = try outcome { try pool.run(Add(1, 1)) }
                guard case .failure(.cannotStartWorkers(.childEndedAtStart(let status))) = outcome else {
                    Issue.record("it ended in another way: \(outcome)")
                    return
                }
                #expect(status == .signaled(9, coreDumped: false))
            }
        }
    }
}

/// Kills a pool's workers, one after the other, until it is stopped.
private final class Killer: Sendable {
    private let pool: Pool
    private let seed: UInt64
    private let isStopped = Lock(false)

    init(of pool: Pool, seed: UInt64) {
        self.pool = pool
        self.seed = seed
    }

    func stop() {
        isStopped.withLock { $0 = true }
    }

    /// How many were killed. Blocks.
    func run() throws -> Int {
        var generator = SeededGenerator(seed: seed)
        var count = 0
        while !isStopped.withLock({ $0 }) || count == 0 {
            Deadline.after(.milliseconds(Int.random(in: 1...20, using: &generator))).sleep()
            // It may have ended since it was asked for, and its number be nobody's.
            guard let worker = pool.workerProcessIDs.randomElement(using: &generator),
                let watched = try? WatchedProcess(worker), pool.workerProcessIDs.contains(worker)
            else { continue }
            try? watched.send(.kill)
            count += 1
        }
        return count
    }
}
