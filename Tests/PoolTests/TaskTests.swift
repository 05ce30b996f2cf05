import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Tasks", .timeLimit(.minutes(10))) struct TaskTests {
    @Test("outputs of all kinds come back as they were, from synchronous and async tasks")
    func outputs() async throws {
        try await withPoolInTask { pool async throws in
            #expect(try await pool.run(Add(2, 3)) == 5)
            try await expectEcho(42, of: pool)
            try await expectEcho("grüße 漢字 👩‍👩‍👧‍👦\u{0}", of: pool)
            try await expectEcho([1.5, -.infinity, .leastNonzeroMagnitude], of: pool)
            try await expectEcho(["a": [1, 2], "": []], of: pool)
            try await expectEcho([UInt8](0...255), of: pool)
            try await expectEcho(Optional<Int>.none, of: pool)
            try await expectEcho(Shape.named("both", [.point, .circle(radius: 2)]), of: pool)
            try await expectEcho([[Int]](), of: pool)
            try await expectEcho(Int64.min, of: pool)
        }
    }

    private func expectEcho<Value: Codable & Sendable & Equatable>(_ value: Value, of pool: Pool) async throws {
        #expect(try await pool.run(Echo(value)) == value)
        #expect(try await pool.run(AsyncEcho(value)) == value)
        #expect(try await blocking { try pool.run(Echo(value)) } == value)
        #expect(try await blocking { try pool.run(AsyncEcho(value)) } == value)
    }

    @Test(
        "an error that a task throws comes as it is where it can, and tells its type and what it says where it cannot")
    func errors() throws {
        try withPool(workers: 1) { pool in
            let worker = try pool.run(AskWorker()).process
            #expect(throws: TestFailure(text: "no")) { try pool.run(FailingTask("no")) }
            #expect(throws: TestFailure(text: "later")) { try pool.run(AsyncFailingTask()) }
            for failure in [UncodableFailure.uncodable, .isPrivate] {
                let error = #expect(throws: RemoteError.self) { try pool.run(FailUncodably(failure)) }
                #expect(error?.type.contains(failure == .uncodable ? "UncodableError" : "PrivateError") == true)
                #expect(error?.description == "as it says")
                #expect(error?.task == "ForkServerTestPrograms.FailUncodably")
                #expect(error?.processID == worker)
            }
            #expect(try pool.run(AskWorker()).process == worker)
        }
    }

    @Test("a type that no worker can find is refused with a message that says what to do")
    func privateType() throws {
        try withPool { pool in
            let results =
                [try outcome { try pool.run(PrivateTask()) }] + (try outcomes(pool.results(of: [PrivateTask()])))
            for result in results {
                guard case .failure(.typeNotNameable(let type)) = result else {
                    Issue.record("\(result)")
                    continue
                }
                #expect(type.contains("PrivateTask"))
                #expect("\(PoolError.typeNotNameable(type))".contains("make it internal or public"))
            }
        }
    }

    @Test("a type that the workers do not have is an error that names it, and the worker goes on")
    func unknownType() throws {
        try withPool(workers: 1) { pool in
            let worker = try pool.run(AskWorker()).process
            guard case .failure(.typeUnknown("PoolTests.OnlyHere")) = try outcome({ try pool.run(OnlyHere()) }) else {
                Issue.record("it is known")
                return
            }
            #expect(try pool.run(AskWorker()).process == worker)
        }
    }

    @Test("a worker that only got synchronous tasks has one thread")
    func threads() throws {
        try withPool(workers: 1) { pool in
            for number in 1...3 {
                let facts = try pool.run(AskWorker())
                #expect(facts.threads == threadsOfLoneProcess)
                #expect(facts.taskNumber == number)
            }
            #expect(try pool.run(AskWorkerAsync()).threads > threadsOfLoneProcess)
            #expect(try pool.run(AskWorker()).taskNumber == 5)
        }
    }

    @Test(
        "async tasks use the main actor and task groups, mixed with synchronous ones, in hosts of both kinds",
        arguments: ["ForkServerHost", "ForkServerAsyncHost"])
    func concurrency(host: String) throws {
        try withPool(workers: 2, hosted { $0.executable = executableDirectory + "/" + host }) { pool throws in
            for round in 1...20 {
                #expect(try pool.run(Add(round, 1)) == round + 1)
                #expect(try pool.run(HopToMainActor()).isMultiple(of: 10))
                #expect(try pool.run(SumInGroup(Array(0...round))) == round * (round + 1) / 2)
            }
        }
    }

    @Test("descriptors travel to a worker and back", arguments: [0, 1, 300])
    func descriptors(count: Int) throws {
        try withPool(workers: 1) { pool in
            var files: [PassedDescriptor] = []
            for index in 0..<count {
                let pipe = try Pipe()
                try pipe.writeEnd.descriptor.writeAll("\(index)")
                files.append(PassedDescriptor(pipe.readEnd))
            }
            #expect(try pool.run(ReadFiles(files)) == (0..<count).map { "\($0)" })
            let before = try pool.run(CountDescriptors())
            for (index, pipe) in try pool.run(MakePipes(count)).enumerated() {
                #expect(try pipe.descriptor!.readText() == "\(index)")
                #expect(try pipe.descriptor!.isCloseOnExec())
            }
            #expect(try pool.run(CountDescriptors()) == before)
        }
    }

    @Test("large payloads go both ways, blocking and async at once")
    func largePayloads() async throws {
        let bytes = pattern(16 << 20)
        try await withPoolInTask { pool async throws in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<2 {
                    group.addTask { try await pool.run(Echo(bytes)) == bytes }
                    group.addTask { try await pool.run(AsyncEcho(bytes)) == bytes }
                    group.addTask { try await blocking { try pool.run(Echo(bytes)) == bytes } }
                }
                for try await isEqual in group { #expect(isEqual) }
            }
        }
    }

    @Test("a descriptor that is given away while its tasks wait reaches them all the same")
    func takenDescriptor() throws {
        // In a process of its own: here another test's file could get its number.
        #expect(try runHelper("ForkServerHost", ["taken"]) == .success)
    }
}

private struct PrivateTask: PoolTask {
    func run(in context: WorkerContext) -> Int { 0 }
}

struct OnlyHere: PoolTask {
    func run(in context: WorkerContext) -> Int { 0 }
}
