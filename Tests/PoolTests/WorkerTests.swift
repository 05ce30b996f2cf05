import FDPassing
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Workers", .timeLimit(.minutes(10))) struct WorkerTests {
    @Test("each worker is initialized before its first task, a replaced one too")
    func initializer() throws {
        try withPool(workers: 1, pool: poolOptions { $0.initializer = Initialize("ready ") }) { pool in
            for _ in 0..<3 {
                #expect(try pool.run(AskInitializer()) == "ready 0")
                _ = try outcome { try pool.run(EndWorker(.kill)) }
            }
        }
    }

    @Test("an initializer that workers cannot find is refused")
    func unknownInitializer() throws {
        try withPool(workers: 1, pool: poolOptions { $0.initializer = PrivateInitializer() }) { pool in
            guard
                case .failure(.cannotStartWorkers(.notEncodable(let reason))) = try outcome({ try pool.run(Add(1, 1)) })
            else {
                Issue.record("it ran")
                return
            }
            #expect(reason.contains("PrivateInitializer"))
        }
    }

    @Test("workers have their names and numbers, and each a processor of its own where that is asked for")
    func surroundings() throws {
        let cpus = try ProcessID.current.affinity()
        let options = poolOptions {
            $0.name = "sums"
            $0.affinity = .spread
        }
        try withPool(workers: 2, pool: options) { pool in
            let held = [try HeldTask(), try HeldTask()]
            let handles = try held.map { try pool.submit($0.task) }
            let names = Set(try held.map { try $0.worker().commandName })
            #expect(names == ["sums 0", "sums 1"])
            for task in held { task.letGo() }
            for handle in handles { _ = try handle.wait() }
            for _ in 0..<10 {
                let facts = try pool.run(AskSurroundings())
                let number = facts[0] == "sums 0" ? 0 : 1
                #expect(facts[1] == "[\(cpus[number % cpus.count])]")
            }
        }
    }

    @Test("200 workers have a task each at once, and all are gone afterwards")
    func manyWorkers() throws {
        try withPool(workers: 200) { pool in
            let held = try (0..<200).map { _ in try HeldTask() }
            let handles = try held.map { try pool.submit($0.task) }
            #expect(Set(try held.map { try $0.worker() }).count == 200)
            for task in held { task.letGo() }
            for handle in handles { _ = try handle.wait() }
        }
    }

    @Test("by default there are as many workers as processors that this program may use")
    func defaultNumber() throws {
        let fixture = PoolFixture()
        do {
            let pool = try Pool(server: fixture.server)
            #expect(pool.workerCount == (try ProcessID.current.affinity().count))
            #expect(becomesTrue { pool.workerProcessIDs.count == pool.workerCount })
            pool.shutDown()
        }
        try fixture.checkNothingLeft()
    }

    @Test("a pool grows and shrinks while it runs, and loses no task")
    func resize() throws {
        try withPool(workers: 1) { pool in
            let work = try Background { try pool.map((0..<20_000).map { Add($0, 1) }, chunkSize: .fixed(1)) }
            for size in [4, 1, 3, 2, 5, 1] {
                pool.resize(to: size)
                #expect(pool.workerCount == size)
                #expect(becomesTrue { pool.workerProcessIDs.count == size })
            }
            #expect(try work.get() == Array(1...20_000))
        }
    }

    @Test("a pool that shrinks lets busy workers finish")
    func shrinkBusy() throws {
        try withPool(workers: 2) { pool in
            let held = [try HeldTask(), try HeldTask()]
            let handles = try held.map { try pool.submit($0.task) }
            let workers = try held.map { try $0.worker() }
            pool.resize(to: 1)
            for task in held { task.letGo() }
            #expect(Set(try handles.map { try $0.wait() }) == Set(workers))
            #expect(becomesTrue { pool.workerProcessIDs.count == 1 })
        }
    }

    @Test("recycling replaces every worker, one by one, and loses no task")
    func recycle() async throws {
        try await withPoolInTask(workers: 3) { pool async throws in
            async let work = pool.map((0..<20_000).map { Add($0, 1) }, chunkSize: .fixed(1))
            #expect(try await blocking { becomesTrue { pool.workerProcessIDs.count == 3 } })
            for _ in 0..<3 {
                let before = Set(pool.workerProcessIDs)
                await pool.recycle()
                #expect(before.isDisjoint(with: pool.workerProcessIDs))
                #expect(pool.workerProcessIDs.count == 3)
            }
            #expect(try await work == Array(1...20_000))
        }
    }

    @Test("tasks that wait are taken by their priority, and in their order within one")
    func priorities() throws {
        try withPool(workers: 1) { pool in
            let held = try HeldTask()
            let holding = try pool.submit(held.task)
            _ = try held.worker()
            var handles: [(Int, TaskHandle<WorkerFacts>)] = []
            for priority in [0, -1, 5, 0, 5, 7] {
                var options = TaskOptions()
                options.priority = priority
                handles.append((priority, try pool.submit(AskWorker(), options: options)))
            }
            held.letGo()
            _ = try holding.wait()
            let order = try handles.map { ($0.0, try $0.1.wait().taskNumber) }.sorted { $0.1 < $1.1 }.map(\.0)
            #expect(order == [7, 5, 5, 0, 0, -1])
            let numbers = try handles.map { try $0.1.wait().taskNumber }
            #expect(numbers[2] < numbers[4] && numbers[0] < numbers[3])
        }
    }
}

private struct PrivateInitializer: WorkerInitializer {
    func run(in context: WorkerContext) {}
}
