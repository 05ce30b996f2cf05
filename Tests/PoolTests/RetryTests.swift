import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Retries and deaths", .timeLimit(.minutes(10))) struct RetryTests {
    @Test("a task whose worker dies is run again as often as it says it may, and no others are", arguments: [0, 2])
    func retries(allowed: Int) throws {
        let runs = try RunCounter()
        try withPool(workers: 2) { pool in
            var options = TaskOptions()
            options.retries = allowed
            let file = runs.file
            let last = try outcome { try pool.run(DieUntilAttempt(3, noting: file), options: options) }
            if allowed >= 2 {
                #expect(try last.get() == 3)
                #expect(try runs.count() == 3)
                #expect(pool.statistics.retried == 2)
                // One time more than it may.
                let lost = try outcome { try pool.run(DieUntilAttempt(4, noting: file), options: options) }.lostWorker
                #expect(lost?.attempts == 3)
                #expect(try runs.count() == 6)
            } else {
                #expect(last.lostWorker?.attempts == 1)
                #expect(try runs.count() == 1)
                #expect(pool.statistics.retried == 0)
            }
        }
    }

    @Test("a death tells the task, and what the worker said last")
    func standardError() throws {
        try withPool(workers: 1) { pool in
            for isLeased in [true, false] {
                var options = TaskOptions()
                if !isLeased { options.timeLimit = .seconds(300) }
                let death = try #require(
                    try outcome { try pool.run(TrapWithMessage("the disk is full"), options: options) }.lostWorker)
                #expect(death.task == "ForkServerTestPrograms.TrapWithMessage")
                #expect(death.standardError.contains("the disk is full"))
                #expect("\(death)".contains("worker \(death.processID)"))
                #expect("\(death)".contains("the disk is full"))
            }
        }
    }

    @Test("of several tasks in flight a death takes the one that was begun, and the others run exactly once")
    func onlyTheBegunOne() throws {
        let runs = try RunCounter()
        try withPool(workers: 1) { pool in
            // So that the worker is known to be quick, and is sent several at once.
            _ = try pool.map((0..<200).map { Add($0, 1) }, chunkSize: .fixed(1))
            let held = try HeldTask()
            let holding = try pool.submit(held.task)
            _ = try held.worker()
            let before = try (0..<3).map { _ in try pool.submit(NoteRun(runs.file)) }
            let killer = try pool.submit(EndWorker(.kill))
            let after = try (0..<12).map { _ in try pool.submit(NoteRun(runs.file)) }
            held.letGo()
            _ = try holding.wait()
            for handle in before + after { #expect(try handle.wait()) }
            #expect(try outcome { try killer.wait() }.lostWorker?.task == "ForkServerTestPrograms.EndWorker")
        }
        #expect(try runs.count() == 15)
    }

    @Test("what a worker has done is told of while it runs what it was sent behind that")
    func slowTaskHoldsBackNone() throws {
        let runs = try RunCounter()
        try withPool(workers: 1) { pool in
            _ = try pool.map((0..<200).map { Add($0, 1) }, chunkSize: .fixed(1))
            let (first, slow) = (try HeldTask(), try HeldTask())
            let holding = try pool.submit(first.task)
            _ = try first.worker()
            let quick = try (0..<5).map { _ in try pool.submit(NoteRun(runs.file)) }
            let slowHandle = try pool.submit(slow.task)
            let behind = try (0..<5).map { _ in try pool.submit(NoteRun(runs.file)) }
            first.letGo()
            _ = try holding.wait()
            _ = try slow.worker()
            for handle in quick { #expect(try handle.wait()) }
            #expect(slowHandle.state != .done)
            slow.letGo()
            for handle in behind { #expect(try handle.wait()) }
            _ = try slowHandle.wait()
        }
        #expect(try runs.count() == 10)
    }

    @Test("what waits at a worker that got a slow task goes to a free one, exactly once")
    func slowTaskDelaysNone() throws {
        let runs = try RunCounter()
        try withPool(workers: 2) { pool in
            for _ in 0..<10 {
                let before = try runs.count()
                _ = try pool.map((0..<200).map { Add($0, 1) }, chunkSize: .fixed(1))
                let gates = [try HeldTask(), try HeldTask()]
                let holding = try gates.map { try pool.submit($0.task) }
                for gate in gates { _ = try gate.worker() }
                // Sent ahead to a quick worker, which then has a slow one before them.
                let quick = try (0..<2).map { _ in try pool.submit(NoteRun(runs.file)) }
                let slow = try HeldTask()
                let slowHandle = try pool.submit(slow.task)
                let rest = try (0..<20).map { _ in try pool.submit(NoteRun(runs.file)) }
                for gate in gates { gate.letGo() }
                for handle in holding { _ = try handle.wait() }
                _ = try slow.worker()
                // All of them end although one of the two workers is held.
                for handle in quick + rest { #expect(try handle.wait()) }
                #expect(slowHandle.state != .done)
                slow.letGo()
                _ = try slowHandle.wait()
                #expect(try runs.count() - before == 22)
            }
        }
    }

    @Test("a server that dies while its workers are being started costs no task")
    func serverDiesDuringStart() throws {
        let fixture = PoolFixture(hosted { $0.spares = .none })
        do {
            for _ in 0..<5 {
                let pool = try Pool(workers: 4, server: fixture.server)
                let waiting = try Background { try pool.map((0..<100).map { Add($0, 1) }, chunkSize: .fixed(1)) }
                #expect(becomesTrue { fixture.server.processID != nil })
                if let server = fixture.server.processID { try WatchedProcess(server).send(.kill) }
                #expect(try waiting.get() == Array(1...100))
                pool.shutDown()
            }
        }
        try fixture.checkNothingLeft()
    }

    @Test("a worker that talks nonsense is replaced, and its pool goes on")
    func nonsense() throws {
        try withPool(workers: 1) { pool in
            var generator = SeededGenerator(seed: 5)
            for round in 0..<20 {
                // A frame of the right form with anything in it, and one of no form at all. (One that promises more than comes is a
                // task that hangs, and a matter of time limits.)
                let body = (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let bytes = (round.isMultiple(of: 2) ? [0, 0, 0, 64] : [255, 0, 0, 0]) + body
                var options = TaskOptions()
                if round % 4 > 1 { options.timeLimit = .seconds(300) }
                switch try outcome({ try pool.run(TalkNonsense(bytes), options: options) }) {
                case .success, .failure(.workerDied), .failure(.connection): break
                case .failure(let error): Issue.record("\(error)")
                }
                _ = try? outcome { try pool.run(Add(1, 1)) }
            }
            #expect(becomesTrue { (try? pool.run(Add(1, 1))) == 2 })
        }
    }
}
