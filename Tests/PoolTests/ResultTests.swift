import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Results as they come", .timeLimit(.minutes(10))) struct ResultTests {
    @Test(
        "results come in the order of the tasks or as they are done, each once",
        arguments: [ResultOrder.submission, .completion])
    func orders(order: ResultOrder) async throws {
        try await withPoolInTask(workers: 3) { pool async throws in
            for chunkSize in [ChunkSize.automatic, .fixed(1), .fixed(7)] {
                var indexes: [Int] = []
                for try await result in pool.results(
                    of: (0..<500).map { Add($0, 1) }, order: order, chunkSize: chunkSize)
                {
                    #expect(try result.get() == result.index + 1)
                    indexes.append(result.index)
                }
                #expect(order == .submission ? indexes == Array(0..<500) : Set(indexes) == Set(0..<500))
                #expect(indexes.count == 500)
            }
            var sum = 0
            for try await result in pool.results(of: (0..<50).map { AsyncEcho($0) }, order: order) {
                sum += try result.get()
            }
            #expect(sum == 1225)
            #expect(try await pool.map((0..<50).map { AsyncEcho($0) }) == Array(0..<50))
        }
    }

    @Test("what is done first comes first, though another was submitted before it")
    func completionOrder() async throws {
        try await withPoolInTask(workers: 2) { pool async throws in
            let held = try HeldTask()
            let quick = try HeldTask()
            quick.letGo()
            var iterator = pool.results(of: [held.task, quick.task], order: .completion, chunkSize: .fixed(1))
                .makeAsyncIterator()
            #expect(try await iterator.next()?.index == 1)
            held.letGo()
            #expect(try await iterator.next()?.index == 0)
            #expect(try await iterator.next() == nil)
        }
    }

    @Test("tasks are taken as their results are: of endless ones as many as are wanted")
    func endless() async throws {
        let made = Lock(0)
        let tasks = sequence(first: 0) { $0 + 1 }.lazy.map { number in
            made.withLock { $0 += 1 }
            return Add(number, 1)
        }
        // Not Sendable as it is; it is used by the feed alone.
        struct Source<Base: Sequence>: Sequence, @unchecked Sendable {
            let base: Base
            func makeIterator() -> Base.Iterator { base.makeIterator() }
        }
        try await withPoolInTask(workers: 2) { pool async throws in
            var count = 0
            for try await result in pool.results(of: Source(base: tasks), chunkSize: .fixed(2)) {
                #expect(try result.get() == count + 1)
                count += 1
                if count == 1000 { break }
            }
            #expect(made.withLock { $0 } <= 1000 + 2 * 64 + 4)
            // What was under way is given up.
            #expect(try await blocking { becomesTrue { pool.statistics.queued + pool.statistics.running == 0 } })
            #expect(try await pool.run(Add(1, 1)) == 2)
        }
    }

    @Test("quick tasks are put together, slow ones are not")
    func chunks() async throws {
        try await withPoolInTask(workers: 2) { pool async throws in
            let quick = try await pool.map((0..<20_000).map { _ in AskWorker() })
            // Tasks of one message have one number.
            #expect(Set(quick.map { "\($0.process) \($0.taskNumber)" }).count < 5_000)
            let before = pool.statistics.done
            _ = try await pool.map((0..<20).map { _ in Nap(milliseconds: 10) })
            #expect(pool.statistics.done - before == 20)
        }
    }

    @Test("a sequence of results that is cancelled ends with CancellationError, and so do its tasks")
    func cancelled() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let held = try HeldTask()
            let taking = Task {
                for try await _ in pool.results(of: [held.task, held.task], chunkSize: .fixed(1)) {}
            }
            _ = try await blocking { try held.worker() }
            taking.cancel()
            await #expect(throws: CancellationError.self) { try await taking.value }
            #expect(try await blocking { becomesTrue { pool.statistics.cancelled == 2 } })
            held.letGo()
            #expect(try await pool.run(Add(1, 1)) == 2)
        }
    }

    @Test("no tasks give no results, to threads and tasks")
    func empty() async throws {
        try await withPoolInTask { pool async throws in
            for try await _ in pool.results(of: [Add]()) { Issue.record("a result") }
            #expect(try await blocking { Array(pool.results(of: [Add]())).isEmpty })
        }
    }
}
