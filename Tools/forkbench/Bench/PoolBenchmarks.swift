import ForkbenchCore
import Pool

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
    }
]

/// The task of the pool's benchmarks.
struct Increment: PoolTask {
    let number: Int

    func run(in context: WorkerContext) -> Int { number + 1 }
}

private func startPool(_ context: SampleContext) throws -> Pool {
    let pool = try Pool(workers: 1, server: try context.startServer())
    // The worker is up once it has answered.
    _ = try pool.run(Increment(number: 0))
    return pool
}
