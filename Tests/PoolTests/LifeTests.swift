import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("A pool's end", .timeLimit(.minutes(10))) struct PoolEndTests {
    private func isClosed<Value>(_ result: Result<Value, PoolError>) -> Bool {
        if case .failure(.closed) = result { true } else { false }
    }

    @Test("shutDown waits for what runs and what waits, and takes no more")
    func shutDown() throws {
        // With a full queue a further task is refused at once, until the end for that reason.
        try withPool(workers: 1, pool: refusing(beyond: 2)) { pool in
            let held = try HeldTask()
            let holding = try Background { try pool.run(held.task) }
            let worker = try held.worker()
            let waiting = try Background { try pool.map([Add(1, 1), Add(2, 2)], chunkSize: .fixed(1)) }
            #expect(becomesTrue { pool.statistics.queued == 2 })
            let ending = try Background { pool.shutDown() }
            #expect(try becomesTrue { isClosed(try outcome { try pool.run(Add(1, 1)) }) })
            held.letGo()
            #expect(try holding.get() == worker)
            #expect(try waiting.get() == [2, 4])
            try ending.get()
            #expect(!worker.exists)
            #expect(pool.workerProcessIDs.isEmpty)
            pool.shutDown()
        }
    }

    @Test("close takes no more, and the workers end by themselves with the last task")
    func close() throws {
        try withPool(workers: 2) { pool in
            let held = try HeldTask()
            let holding = try Background { try pool.run(held.task) }
            let worker = try held.worker()
            let waiting = try (0..<3).map { try pool.submit(Add($0, 1)) }
            pool.close()
            #expect(isClosed(try outcome { try pool.run(Add(1, 1)) }))
            #expect(throws: MapFailure.self) { try pool.map([Add(1, 1)]) }
            #expect(try waiting.map { try $0.wait() } == [1, 2, 3])
            #expect(worker.exists)
            held.letGo()
            #expect(try holding.get() == worker)
            #expect(becomesTrue { pool.workerProcessIDs.isEmpty })
            #expect(!worker.exists, "it was reaped by then")
            pool.close()
        }
        // One that has nothing to do.
        try withPool { pool in
            _ = try pool.run(Add(1, 1))
            pool.close()
            #expect(becomesTrue { pool.workerProcessIDs.isEmpty })
        }
    }

    @Test("shutDown at its deadline kills what is not done, and what waits fails", arguments: [true, false])
    func shutDownAtDeadline(isAsync: Bool) async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let started = try Pipe()
            let spin = SpinTask(try PassedDescriptor(duplicating: started.writeEnd.descriptor))
            let readEnd = started.readEnd.descriptor
            let running = try await pool.submit(spin)
            let worker = try await blocking { try WatchedNumber(readEnd.readLine()) }
            let waiting = try await pool.submit(Add(1, 1))
            let quickEnd = Deadline.after(.milliseconds(50))
            if isAsync {
                await pool.shutDown(until: quickEnd)
            } else {
                try await blocking { pool.shutDown(until: quickEnd) }
            }
            #expect(quickEnd.hasPassed, "it waited for the task until then")
            #expect(!worker.exists)
            #expect(pool.workerProcessIDs.isEmpty)
            for result in [
                try await asyncOutcome { try await running.value }, try await asyncOutcome { try await waiting.value },
            ] { #expect(isClosed(result)) }
            withExtendedLifetime(started) {}
        }
        // One that is done before ends before.
        try await withPoolInTask(workers: 1) { pool async throws in
            #expect(try await pool.run(Add(1, 1)) == 2)
            await pool.shutDown(until: .after(.seconds(300)))
            #expect(pool.workerProcessIDs.isEmpty)
        }
    }

    @Test("shutDown runs what waits though workers are killed meanwhile")
    func shutDownDuringDeaths() throws {
        try withPool(workers: 2, pool: refusing(beyond: 1)) { pool in
            let held = [try HeldTask(), try HeldTask()]
            let first = try Background { try outcome { try pool.run(held[0].task) } }
            var workers = [try WatchedProcess(try held[0].worker())]
            let second = try Background { try outcome { try pool.run(held[1].task) } }
            workers.append(try WatchedProcess(try held[1].worker()))
            let waiting = try Background { try pool.run(Add(1, 1)) }
            #expect(becomesTrue { pool.statistics.queued == 1 })
            let ending = try Background { pool.shutDown() }
            #expect(try becomesTrue { isClosed(try outcome { try pool.run(Add(1, 1)) }) })
            for worker in workers { try worker.send(.kill) }
            #expect(try first.get().lostWorker != nil)
            #expect(try second.get().lostWorker != nil)
            #expect(try waiting.get() == 2)
            try ending.get()
        }
    }

    @Test("terminate fails what runs and what waits with .closed, busy workers included")
    func terminate() throws {
        try withPool(workers: 2) { pool in
            let started = try Pipe()
            let signal = PassedDescriptor(started.writeEnd)
            let running = [
                try box { try outcome { try pool.run(SpinTask(signal)) } },
                try box { try outcome { try pool.run(SpinTask(signal)) } },
            ]
            for _ in running { _ = try started.readEnd.descriptor.readLine() }
            let waiting = try Background { try outcome { try pool.run(Add(1, 1)) } }
            let mapping = try Background {
                try outcomes(pool.results(of: (0..<10_000).map { Add($0, 1) }, chunkSize: .fixed(1)))
            }
            #expect(becomesTrue { pool.statistics.queued == 1 + 2 * 64 })
            let workers = try pool.workerProcessIDs.map { try WatchedProcess($0) }
            #expect(workers.count == 2)
            pool.terminate()
            #expect(isClosed(try waiting.get()))
            let results = try mapping.get()
            #expect(results.count == 10_000)
            #expect(results.allSatisfy { isClosed($0) })
            for result in running { #expect(isClosed(try result())) }
            for worker in workers { #expect(try worker.ends()) }
            #expect(isClosed(try outcome { try pool.run(Add(1, 1)) }))
        }
    }

    /// An array cannot hold a `Background`.
    private func box<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> () throws -> Value {
        let background = Lock<Background<Value>?>(try Background(body))
        return { try background.withLock { $0.take() }!.get() }
    }

    @Test("terminate fails async tasks with .closed")
    func terminateAsync() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let held = try HeldTask()
            async let running = asyncOutcome { try await pool.run(held.task) }
            _ = try await blocking { try held.worker() }
            async let waiting = asyncOutcome { try await pool.run(AsyncEcho(1)) }
            #expect(try await blocking { becomesTrue { pool.statistics.queued == 1 } })
            await pool.terminate()
            #expect(isClosed(try await running))
            #expect(isClosed(try await waiting))
            #expect(isClosed(try await asyncOutcome { try await pool.run(Add(1, 1)) }))
        }
    }

    @Test("after shutDown everything is .closed: one, many, more than a stack could hold")
    func useAfterShutDown() async throws {
        try await withPoolInTask { pool async throws in
            await pool.shutDown()
            #expect(isClosed(try await asyncOutcome { try await pool.run(Add(1, 1)) }))
            #expect(isClosed(try await asyncOutcome { try await pool.run(AsyncEcho(1)) }))
            let tasks = (0..<100_000).map { Add($0, 1) }
            var closed = 0
            for try await result in pool.results(of: tasks, chunkSize: .fixed(1))
            where isClosed(try outcome { try result.get() }) {
                closed += 1
            }
            #expect(closed == tasks.count)
            let results = try await blocking { try outcomes(pool.results(of: tasks, chunkSize: .fixed(1))) }
            #expect(results.count == tasks.count && results.allSatisfy { isClosed($0) })
            await pool.shutDown()
        }
    }

    @Test("a pool that goes leaves no worker, whether idle or still coming up", arguments: [true, false])
    func deinitialized(isUsed: Bool) throws {
        let fixture = PoolFixture()
        var workers: [WatchedProcess] = []
        do {
            let pool = try Pool(workers: 2, server: fixture.server)
            if isUsed {
                #expect(try pool.run(Add(1, 1)) == 2)
                #expect(becomesTrue { pool.workerProcessIDs.count == 2 })
                workers = try pool.workerProcessIDs.map { try WatchedProcess($0) }
            }
        }
        for worker in workers { #expect(try worker.ends()) }
        try fixture.checkNothingLeft()
    }

    @Test("with a program that is killed go its workers, busy computing or idle, and its server")
    func killedProgram() throws {
        var program = try RunningProgram("ForkServerHost", ["workers"])
        let processes = try program.nextProcesses()
        #expect(processes.count == 5)
        _ = try program.kill()
        for process in processes { #expect(try process.ends()) }
    }

    @Test("with a program and its server killed at once go its workers")
    func killedProgramAndServer() throws {
        var program = try RunningProgram("ForkServerHost", ["workers"])
        let processes = try program.nextProcesses()
        try processes[0].send(.stop)
        try program.process.send(.kill)
        try processes[0].send(.kill)
        _ = try program.waitForOutcome()
        for process in processes { #expect(try process.ends()) }
    }

    @Test("a program with a server, a pool, a segment and a semaphore leaves nothing when it is killed")
    func killedProgramWithEverything() throws {
        let names = try ResourceNames()
        let others = try ResourceNames()
        var program = try RunningProgram(
            "ForkServerHost", ["everything", names.segment, names.semaphore, others.segment])
        let processes = try program.nextProcesses()
        #expect(processes.count == 8)
        #expect(names.hasSegment && names.hasSemaphore && others.hasSegment)
        _ = try program.kill()
        for process in processes { #expect(try process.ends()) }
        #expect(!names.hasSegment && !names.hasSemaphore && !others.hasSegment)
    }

    @Test("an interrupt of the whole process group does not end workers")
    func interrupt() throws {
        let outcome = try runHelper("ForkServerHost", ["interrupt"]) { $0.ownProcessGroup = true }
        #expect(outcome == .success)
    }

    @Test("a pool whose server was shut down says that no worker can be started")
    func serverShutDown() throws {
        let fixture = PoolFixture()
        fixture.server.shutDown()
        do {
            let pool = try Pool(workers: 2, server: fixture.server)
            for _ in 0..<3 {
                guard case .failure(.cannotStartWorkers(.shutDown)) = try outcome({ try pool.run(Add(1, 1)) }) else {
                    Issue.record("it ran")
                    continue
                }
            }
            pool.shutDown()
        }
        try fixture.checkNothingLeft()
    }

    @Test("workers outlive their server, and are replaced by another when they die")
    func killedServer() throws {
        let fixture = PoolFixture()
        do {
            let pool = try Pool(workers: 1, server: fixture.server)
            let worker = try WatchedProcess(try pool.run(AskWorker()).process)
            let server = try WatchedProcess(try #require(fixture.server.processID))
            try server.send(.kill)
            #expect(try server.ends())
            #expect(try pool.run(AskWorker()).process == worker.process)
            let lost = try #require(try outcome { try pool.run(EndWorker(.exit)) }.lostWorker)
            #expect(lost.processID == worker.process)
            #expect(lost.status == .exited(0))
            #expect(try pool.run(AskWorker()).process != worker.process)
            #expect(fixture.server.processID != server.process)
            pool.shutDown()
        }
        try fixture.checkNothingLeft()
    }
}
