import ForkbenchCore

/// Rounds of one sample each.
func rounds(_ values: [UInt64]) -> Samples { Samples(values.map { [$0] }) }

func distribution(of nanoseconds: [UInt64], in unit: Unit = .microseconds) -> Distribution {
    Distribution(SortedSamples(nanoseconds), in: unit)
}

extension BenchmarkResult {
    /// One with a floor of 100 µs, or what else it is told.
    static func fixture(
        name: String = "framing.roundtrip.64B", unit: Unit = .microseconds, median: Double = 150,
        ratio: Estimate? = Estimate(value: 1.5, low: 1.48, high: 1.53), goal: Goal? = .ratio(1.6),
        plot: PlotPoint? = nil, peers: [(String, Double)] = []
    ) -> BenchmarkResult {
        func flat(_ figure: Double) -> Distribution {
            Distribution(figures: Distribution.shares.map { _ in figure })!
        }
        return BenchmarkResult(
            name: name, layer: .framing, unit: unit, samples: 400, ours: flat(median),
            typical: Estimate(value: median, low: median * 0.99, high: median * 1.01),
            floor: ratio == nil ? nil : flat(100), ratio: ratio, goal: goal, plot: plot,
            peers: peers.map { .init(name: $0.0, distribution: flat($0.1)) })
    }
}

extension Report {
    static func fixture(_ results: [BenchmarkResult] = [.fixture()], build: String = "release") -> Report {
        var report = Report(
            host: HostFacts(
                system: "Linux", release: "6.18", machine: "x86_64", processor: "A “processor” & <more>", processors: 2,
                governor: nil, hugePages: "madvise", swift: "6.3", build: build, linking: "dynamic",
                pinning: "pinned to processor 0", started: "2026-11-21T18:00:00Z"))
        report.results = results
        return report
    }
}
