import FDPassing
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Handles", .timeLimit(.minutes(10))) struct HandleTests {
    @Test("a handle tells where its task is, and gives its result as often as it is asked, to threads and tasks")
    func states() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let held = try HeldTask()
            let first = try await pool.submit(held.task)
            let worker = try await blocking { try held.worker() }
            let second = try await pool.submit(AsyncEcho("later"))
            #expect(first.state == .running(worker))
            #expect(second.state == .waiting)
            #expect(first.taskID != second.taskID)
            held.letGo()
            #expect(try await first.value == worker)
            #expect(try await blocking { try second.wait() } == "later")
            #expect(try await second.value == "later")
            #expect(first.state == .done && second.state == .done)
            let failing = try await blocking { try pool.submit(FailingTask("so it is")) }
            for _ in 0..<2 { await #expect(throws: TestFailure(text: "so it is")) { try await failing.value } }
        }
    }

    @Test("a task that is cancelled while it waits never runs, and its handle says so")
    func cancelledWaiting() throws {
        let runs = try RunCounter()
        try withPool(workers: 1) { pool in
            let held = try HeldTask()
            let holding = try pool.submit(held.task)
            _ = try held.worker()
            let waiting = try pool.submit(NoteRun(runs.file))
            waiting.cancel()
            #expect(throws: CancellationError.self) { try waiting.wait() }
            #expect(waiting.state == .done)
            held.letGo()
            _ = try holding.wait()
            #expect(try pool.run(Add(1, 1)) == 2)
            #expect(pool.statistics.cancelled == 1)
        }
        #expect(try runs.count() == 0)
    }

    @Test("a task that is cancelled while it runs is told, and its worker goes on")
    func cancelledRunning() throws {
        try withPool(workers: 1) { pool in
            let started = try Pipe()
            let signal = try PassedDescriptor(duplicating: started.writeEnd.descriptor)
            let running = try pool.submit(RunUntilTold(signal))
            let worker = try started.readEnd.descriptor.readLine()
            running.cancel()
            #expect(throws: CancellationError.self) { try running.wait() }
            #expect(try started.readEnd.descriptor.readLine().hasPrefix("told: CancellationError"))
            let sleeping = try pool.submit(SleepUntilTold(signal))
            #expect(try started.readEnd.descriptor.readLine() == worker)
            sleeping.cancel()
            #expect(throws: CancellationError.self) { try sleeping.wait() }
            #expect(try started.readEnd.descriptor.readLine() == "told: true")
            #expect("\(try pool.run(AskWorker()).process)" == worker)
        }
    }

    @Test("a task that does not listen is killed after its time, if that is asked for")
    func killedAfterCancellation() throws {
        try withPool(workers: 1) { pool in
            let started = try Pipe()
            var options = TaskOptions()
            options.killAfterCancellation = .milliseconds(10)
            let deaf = try pool.submit(SpinTask(PassedDescriptor(started.writeEnd)), options: options)
            let worker = try started.readEnd.descriptor.readLine()
            deaf.cancel()
            #expect(throws: CancellationError.self) { try deaf.wait() }
            #expect("\(try pool.run(AskWorker()).process)" != worker)
        }
    }

    @Test("progress arrives in order, and ends with the task")
    func progress() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let gate = try Pipe()
            let task = ReportProgress(
                gate: try PassedDescriptor(duplicating: gate.readEnd.descriptor), steps: 100)
            let handle = try await pool.submit(task)
            let progress = handle.progress(as: Int.self)
            try gate.writeEnd.descriptor.writeAll([1])
            var steps: [Int] = []
            for await step in progress { steps.append(step) }
            #expect(steps == Array(1...100))
            #expect(try await handle.value == 100)
            // Nobody listens.
            try gate.writeEnd.descriptor.writeAll([1])
            #expect(try await pool.run(task) == 100)
            #expect(try await blocking { try pool.run(task) } == 100)
        }
    }

    @Test("who stops waiting for a handle leaves its task alone")
    func abandonedWait() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let held = try HeldTask()
            let handle = try await pool.submit(held.task)
            let worker = try await blocking { try held.worker() }
            let waiting = Task { try await handle.value }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            held.letGo()
            #expect(try await handle.value == worker)
        }
    }

    @Test("async code on the pool's executor is resumed on the thread that reads the replies")
    func executor() async throws {
        try await withPoolInTask(workers: 1) { pool async throws in
            let names = try await Task(executorPreference: pool.executor) {
                var names: Set<String> = []
                for number in 0..<100 {
                    guard try await pool.run(Add(number, 1)) == number + 1 else { return Set(["wrong"]) }
                    names.insert(threadName())
                }
                return names
            }.value
            #expect(names == ["pool"])
        }
    }
}
