/// Runs benchmarks, each in rounds in which ours and the floor take turns, so that both meet the same moods of the machine.
struct BenchmarkRun {
    let plan: Plan

    struct Plan {
        let rounds: Int
        /// Nanoseconds that each side measures in a round, about.
        let roundTime: UInt64
        let mostSamplesARound: Int

        static let standard = Plan(rounds: 10, roundTime: 120_000_000, mostSamplesARound: 1000)
        static let quick = Plan(rounds: 3, roundTime: 20_000_000, mostSamplesARound: 100)
    }

    /// Runs them in order; `show` gets the table line by line.
    func run(_ benchmarks: [Benchmark], show: (String) -> Void) -> BenchmarkReport {
        var report = BenchmarkReport()
        show(BenchmarkReport.tableHeader)
        for benchmark in benchmarks {
            do {
                let result = try run(benchmark)
                report.results.append(result)
                show(result.tableLine)
            } catch {
                report.failures.append(benchmark.name)
                show("\(benchmark.name.padded(to: BenchmarkReport.nameWidth)) FAILED: \(error)")
            }
        }
        return report
    }

    private func run(_ benchmark: Benchmark) throws -> BenchmarkResult {
        let cpus = CPUPlacement(benchmark.placement)
        let floor = try SampleProcess.floor(benchmark, cpus)
        defer { floor.finish() }
        let ours = try SampleProcess.ours(benchmark, cpus)
        defer { ours.finish() }
        let oursCount = try sampleCount(ours)
        let floorCount = try sampleCount(floor)
        var oursSamples: [UInt64] = []
        var floorSamples: [UInt64] = []
        for round in 0..<plan.rounds {
            // Who goes second finds the caches as the first has left them: in turns.
            if round.isMultiple(of: 2) {
                oursSamples += try ours.take(oursCount)
                floorSamples += try floor.take(floorCount)
            } else {
                floorSamples += try floor.take(floorCount)
                oursSamples += try ours.take(oursCount)
            }
        }
        return BenchmarkResult(benchmark, ours: Quantiles(oursSamples), floor: Quantiles(floorSamples))
    }

    /// How many samples fill a round. What is taken to find out warms the process up, and is dropped.
    private func sampleCount(_ process: SampleProcess) throws -> Int {
        var count = 1
        while true {
            let time = try nanoseconds { _ = try process.take(count) }
            if time > plan.roundTime / 8 || count >= plan.mostSamplesARound {
                let fitting = UInt64(count) * plan.roundTime / max(1, time)
                return max(1, min(Int(fitting), plan.mostSamplesARound))
            }
            count *= 2
        }
    }
}

/// A sorted set of samples.
struct Quantiles {
    private let sorted: [UInt64]

    init(_ samples: [UInt64]) {
        sorted = samples.sorted()
    }

    var count: Int { sorted.count }

    /// The sample below which a share of all lies, in microseconds.
    func microseconds(at share: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1000
    }
}
