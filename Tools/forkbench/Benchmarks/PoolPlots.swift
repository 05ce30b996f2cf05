import ForkbenchCore
import Pool

private let tasksPerSample = 2000

/// What a pool makes of payloads, and of more workers: points of the page's plots alone.
let poolPlotBenchmarks: [Benchmark] =
    [64, 1024, 16 << 10, 256 << 10, 1 << 20, 16 << 20].map { bytes in
        Benchmark(
            name: "pool.payload.\(bytes)", layer: .pool, summary: "a task with so many bytes, which it gives back",
            plot: PlotPoint(.payload, line: "Pool", at: bytes), placement: .together,
            peer: ["pool-payload", "--bytes", "\(bytes)"]
        ) { context in
            let pool = try Pool(workers: 1, server: try context.startServer())
            let task = GiveBack(payload: [UInt8](repeating: 7, count: bytes))
            return {
                try nanoseconds {
                    guard try pool.run(task).count == bytes else { throw BenchmarkFailure(reason: "another result") }
                }
            }
        }
    }
    + [1, 2, 4, 8].map { workers in
        Benchmark(
            name: "pool.workers.\(workers)", layer: .pool, summary: "small tasks a second, one a message",
            unit: .perSecond, plot: PlotPoint(.workers, line: "Pool", at: workers), placement: .everywhere,
            peer: ["pool-map", "--workers", "\(workers)", "--tasks", "\(tasksPerSample)", "--chunk", "1"]
        ) { context in
            let pool = try Pool(workers: workers, server: try context.startServer())
            let tasks = (0..<tasksPerSample).map { Increment(number: $0) }
            return {
                try nanoseconds {
                    guard try pool.map(tasks, chunkSize: .fixed(1)).last == tasksPerSample else {
                        throw BenchmarkFailure(reason: "another result")
                    }
                } / UInt64(tasksPerSample)
            }
        }
    }

/// A task that gives back what it got.
struct GiveBack: PoolTask {
    let payload: [UInt8]

    func run(in context: WorkerContext) -> [UInt8] { payload }
}
