import ForkServer
import ForkbenchCore
import Pool
import Syscalls

private let roundtripsPerSample = 100

let poolBenchmarks = [
    Benchmark(
        name: "pool.roundtrip", layer: .pool, summary: "one small task on a blocking caller; the floor is a ping-pong",
        goal: .ratio(1.3), placement: .together, floor: ["roundtrip", "--bytes", "64"]
    ) { context in
        let pool = try startPool(context)
        return {
            try nanoseconds {
                guard try pool.run(Increment(number: 1)) == 2 else { throw BenchmarkFailure(reason: "another result") }
            }
        }
    },
    Benchmark(
        name: "pool.roundtrip.async", layer: .pool, summary: "the same awaited on the pool's own executor",
        goal: .ratio(1.3), placement: .together, floor: ["roundtrip", "--bytes", "64"]
    ) { context in
        let pool = try startPool(context)
        return { try awaitedRoundtrips(pool, on: pool.executor) }
    },
    Benchmark(
        name: "pool.roundtrip.hop", layer: .pool,
        summary: "the same awaited elsewhere; the floor has a thread that reads, and wakes the caller",
        goal: .ratio(1.3), placement: .together, floor: ["pool-hop", "--bytes", "64"]
    ) { context in
        let pool = try startPool(context)
        return { try awaitedRoundtrips(pool, on: nil) }
    },
    Benchmark(
        name: "pool.map.unit", layer: .pool,
        summary: "small tasks a second, one a message; the floor pipelines frames to two processes", unit: .perSecond,
        goal: .ratio(2), placement: .apart,
        floor: ["pool-map", "--workers", "2", "--tasks", "2000", "--bytes", "112", "--reply-bytes", "56"]
    ) { context in try mapSampler(context, tasks: 2000, .fixed(1)) },
    Benchmark(
        name: "pool.map.chunked", layer: .pool, summary: "the same in chunks of a size that the pool chooses",
        unit: .perSecond, goal: .timesBetterThanPeers(2), placement: .apart
    ) { context in try mapSampler(context, tasks: 20_000, .automatic) },
    Benchmark(
        name: "pool.payload.16MiB", layer: .pool,
        summary: "16 MiB of shared bytes there and back, copied once at each end and once between", goal: .ratio(1.5),
        placement: .together, floor: ["pool-payload", "--bytes", "\(16 << 20)"]
    ) { context in
        let pool = try startPool(context)
        let source = [UInt8](repeating: 7, count: 16 << 20)
        let target = Target(count: source.count)
        return {
            try nanoseconds {
                let result = try pool.run(GiveSharedBack(payload: try SharedBytes(source)))
                try target.fill(from: result)
            }
        }
    },
    Benchmark(
        name: "pool.recovery", layer: .pool, summary: "SIGKILL of a worker until its replacement has answered",
        goal: .ratio(2), placement: .together, floor: ["pool-recovery"]
    ) { context in
        let pool = try startPool(context)
        return {
            let worker = pool.workerProcessIDs[0]
            return try nanoseconds {
                try worker.send(.kill)
                // A task that goes to the dead one before that is known goes to the next by itself.
                while try pool.run(AskProcess()) == worker { continue }
            }
        }
    },
    Benchmark(
        name: "pool.worker.memory", layer: .pool, summary: "private memory of an idle worker", unit: .kibibytes,
        goal: .atMost(2048), placement: .together
    ) { context in
        let pool = try startPool(context)
        return {
            #if os(Linux)
                UInt64(try pool.workerProcessIDs[0].privateMemoryKiB())
            #else
                0
            #endif
        }
    },
]

/// The task of the pool's benchmarks.
struct Increment: PoolTask {
    let number: Int

    func run(in context: WorkerContext) -> Int { number + 1 }
}

private struct Target: ~Copyable {
    private let bytes: UnsafeMutableRawBufferPointer

    init(count: Int) {
        bytes = .allocate(byteCount: count, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        bytes.deallocate()
    }

    func fill(from shared: SharedBytes) throws {
        guard shared.count == bytes.count else { throw BenchmarkFailure(reason: "another result") }
        shared.withSpan { span in span.withUnsafeBytes { bytes.copyMemory(from: $0) } }
    }
}

/// Gives back a copy of what it got.
struct GiveSharedBack: PoolTask {
    let payload: SharedBytes

    func run(in context: WorkerContext) throws -> SharedBytes {
        try SharedBytes(count: payload.count) { target in
            payload.withSpan { source in
                source.withUnsafeBytes { source in target.withUnsafeMutableBytes { $0.copyMemory(from: source) } }
            }
        }
    }
}

/// Which process ran it.
struct AskProcess: PoolTask {
    func run(in context: WorkerContext) -> ProcessID { context.processID }
}

private func startPool(_ context: SampleContext, workers: Int = 1) throws -> Pool {
    let pool = try Pool(workers: workers, server: try context.startServer())
    // The workers are up once they have answered.
    while pool.workerProcessIDs.count < workers { _ = try pool.run(Increment(number: 0)) }
    _ = try pool.run(Increment(number: 0))
    return pool
}

private func mapSampler(_ context: SampleContext, tasks: Int, _ size: ChunkSize) throws -> () throws -> UInt64 {
    let pool = try startPool(context, workers: 2)
    let work = (0..<tasks).map { Increment(number: $0) }
    return {
        try nanoseconds {
            guard try pool.map(work, chunkSize: size).last == tasks else {
                throw BenchmarkFailure(reason: "another result")
            }
        } / UInt64(tasks)
    }
}

/// The time of one, of many in a task that prefers an executor.
private func awaitedRoundtrips(_ pool: Pool, on executor: (any TaskExecutor)?) throws -> UInt64 {
    let outcome = Lock<Result<UInt64, any Error>>(.failure(BenchmarkFailure(reason: "it never ran")))
    let latch = Latch()
    Task.detached(executorPreference: executor) {
        let start = Deadline.now
        do {
            for _ in 0..<roundtripsPerSample {
                guard try await pool.run(Increment(number: 1)) == 2 else {
                    throw BenchmarkFailure(reason: "another result")
                }
            }
            let time = nanoseconds(since: start) / UInt64(roundtripsPerSample)
            outcome.withLock { $0 = .success(time) }
        } catch {
            outcome.withLock { $0 = .failure(error) }
        }
        latch.open()
    }
    latch.wait()
    return try outcome.withLock { $0 }.get()
}
