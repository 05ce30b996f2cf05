import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Seen from outside", .timeLimit(.minutes(10))) struct ObservationTests {
    @Test("statistics count what waits, runs and has ended, and how long it took")
    func statistics() throws {
        try withPool(workers: 1) { pool in
            #expect(try pool.run(Add(1, 1)) == 2)
            let held = try HeldTask()
            let holding = try pool.submit(held.task)
            _ = try held.worker()
            let waiting = try pool.submit(Add(1, 1))
            let cancelled = try pool.submit(Add(1, 1))
            cancelled.cancel()
            var now = pool.statistics
            #expect((now.queued, now.running, now.done, now.failed, now.cancelled) == (1, 1, 1, 0, 1))
            #expect((now.workers, now.restarts, now.retried) == (1, 0, 0))
            held.letGo()
            _ = try holding.wait()
            _ = try waiting.wait()
            #expect(throws: TestFailure.self) { try pool.run(FailingTask("no")) }
            _ = try outcome { try pool.run(EndWorker(.exit)) }
            #expect(try pool.run(Add(1, 1)) == 2)
            now = pool.statistics
            #expect((now.queued, now.running, now.done, now.failed) == (0, 0, 4, 2))
            #expect(now.restarts == 1)
            #expect(now.latency.median > .zero)
            #expect(now.latency.median <= now.latency.p90 && now.latency.p90 <= now.latency.p99)
        }
    }

    @Test("a hook and a stream are told of workers and tasks, in their order")
    func events() async throws {
        let hooked = Names()
        let options = poolOptions { $0.onEvent = { event in hooked.append(Self.name(event)) } }
        let streamed = Names()
        try await withPoolInTask(workers: 1, pool: options) { pool async throws in
            _ = try await pool.run(Add(1, 1))
            let events = pool.events()
            let reading = Task { @Sendable in
                for await event in events { streamed.append(Self.name(event)) }
            }
            var retried = TaskOptions()
            retried.retries = 1
            let runs = try RunCounter()
            #expect(try await pool.run(DieUntilAttempt(2, noting: runs.file), options: retried) == 2)
            _ = try? await pool.run(FailingTask("no"))
            _ = try await blocking { try pool.run(Add(1, 1)) }
            await pool.shutDown()
            await reading.value
        }
        let told = hooked.all
        #expect(
            told.filter { $0.hasPrefix("worker") } == [
                "workerStarted 0", "workerDied 0", "workerStarted 0", "workerEnded 0",
            ])
        let tasks = told.filter { $0.hasPrefix("task") }
        #expect(
            tasks == [
                "taskSubmitted Add", "taskDone Add", "taskSubmitted DieUntilAttempt", "taskRetried DieUntilAttempt",
                "taskDone DieUntilAttempt", "taskSubmitted FailingTask", "taskFailed FailingTask: no",
                "taskSubmitted Add", "taskDone Add",
            ])
        #expect(streamed.all == Array(told.suffix(streamed.all.count)))
        #expect(streamed.all.contains("taskRetried DieUntilAttempt"))
    }

    @Sendable private static func name(_ event: PoolEvent) -> String {
        func short(_ type: String) -> Substring { type.split(separator: ".").last ?? "" }
        return switch event {
        case .workerStarted(let number, _): "workerStarted \(number)"
        case .workerEnded(let number, _): "workerEnded \(number)"
        case .workerDied(let number, _): "workerDied \(number)"
        case .workerNotStarted(let number, let error): "workerNotStarted \(number): \(error)"
        case .taskSubmitted(_, let type): "taskSubmitted \(short(type))"
        case .taskDone(_, let type, _): "taskDone \(short(type))"
        case .taskFailed(_, let type, let error): "taskFailed \(short(type)): \(error)"
        case .taskRetried(_, let type, _): "taskRetried \(short(type))"
        }
    }
}

/// What was told so far.
private final class Names: Sendable {
    private let names = Lock<[String]>([])

    func append(_ name: String) { names.withLock { $0.append(name) } }
    var all: [String] { names.withLock { $0 } }
}
