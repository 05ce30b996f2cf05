import ForkbenchCore
import Testing

@Suite("Forkbench: compare") struct ComparisonTests {
    private func change(from first: BenchmarkResult, to second: BenchmarkResult) throws -> Comparison.Change {
        try #require(Comparison(.fixture([first]), .fixture([second])).changes.first)
    }

    private func ratio(_ value: Double, uncertainty: Double = 0.01) -> BenchmarkResult {
        .fixture(ratio: Estimate(value: value, low: value * (1 - uncertainty), high: value * (1 + uncertainty)))
    }

    @Test("ratios to the floor are compared where there are any, whatever the figures")
    func floors() throws {
        let busy = BenchmarkResult.fixture(median: 900, ratio: Estimate(value: 1.5, low: 1.48, high: 1.52))
        let change = try change(from: ratio(1.5), to: busy)
        #expect(change.isRelativeToFloor)
        #expect(change.factor.value == 1)
        #expect(change.verdict(tolerance: 0.1) == .same)
    }

    @Test("one that is worse than tolerated is a regression, a better one is not")
    func verdicts() throws {
        #expect(try change(from: ratio(1), to: ratio(1.2)).verdict(tolerance: 0.1) == .worse)
        #expect(try change(from: ratio(1), to: ratio(1.2)).verdict(tolerance: 0.25) == .same)
        #expect(try change(from: ratio(1.2), to: ratio(1)).verdict(tolerance: 0.1) == .better)
    }

    @Test("what chance may have done is no regression")
    func chance() throws {
        let noisy = ratio(1.3, uncertainty: 0.4)
        #expect(try change(from: ratio(1), to: noisy).verdict(tolerance: 0.1) == .same)
    }

    @Test("without a floor figures are compared, and more is worse but for rates")
    func figures() throws {
        let memory = { BenchmarkResult.fixture(unit: .kibibytes, median: $0, ratio: nil) }
        #expect(try change(from: memory(1000), to: memory(1500)).verdict(tolerance: 0.1) == .worse)
        let rate = { BenchmarkResult.fixture(unit: .perSecond, median: $0, ratio: nil) }
        let faster = try change(from: rate(1000), to: rate(1500))
        #expect(faster.verdict(tolerance: 0.1) == .better)
        #expect(abs(faster.factor.value - 1 / 1.5) < 1e-9)
    }

    @Test("benchmarks of one run alone, and hosts that differ, are said")
    func differences() {
        var other = Report.fixture([.fixture(name: "new")], build: "debug")
        other.host.processor = "another"
        let comparison = Comparison(.fixture([.fixture(name: "old")]), other)
        #expect(comparison.changes.isEmpty)
        #expect(comparison.onlyInFirst == ["old"] && comparison.onlyInSecond == ["new"])
        #expect(comparison.warnings.count == 2)
        let lines = comparison.lines(tolerance: 0.1, .plain).joined(separator: "\n")
        for text in ["old", "new", "another", "debug"] { #expect(lines.contains(text)) }
    }

    @Test("its table fits 100 columns")
    func width() {
        let name = "forkserver.alive.warm256.cold"
        let results = [BenchmarkResult.fixture(name: name, ratio: Estimate(value: 3.33, low: 1, high: 9))]
        let lines = Comparison(.fixture(results), .fixture(results)).lines(tolerance: 0.025, .plain)
        for line in lines { #expect(line.count <= 100, "\(line)") }
        #expect(lines.contains("None is worse by more than 2.5 %."))
    }
}
