import ForkbenchCore
import Testing

@Suite("Forkbench: statistics") struct StatisticsTests {
    @Test("quantiles of 1 to 100 are their nearest ranks, in whatever order they came")
    func quantiles() {
        let sorted = SortedSamples((1...100).shuffled())
        #expect([0, 0.01, 0.5, 0.9, 0.99, 1].map(sorted.quantile) == [1, 2, 51, 91, 100, 100])
        #expect(sorted.count == 100)
    }

    @Test("without samples a quantile is 0, and there is no estimate")
    func nothing() {
        #expect(SortedSamples([]).quantile(0.5) == 0)
        #expect(Estimate(medianOf: Samples()) == nil)
        #expect(Estimate(ratioOf: rounds([1]), to: Samples()) == nil)
        #expect(Estimate(ratioOf: rounds([1]), to: rounds([0])) == nil)
    }

    @Test("the median of an even number is the mean of the middle two")
    func medians() {
        #expect(median([4, 1, 3, 2]) == 2.5)
        #expect(median([5, 1, 3]) == 3)
        #expect(median([]) == 0)
    }

    @Test("rounds that are all alike leave no uncertainty")
    func certain() throws {
        let estimate = try #require(Estimate(ratioOf: rounds([30, 30, 30, 30]), to: rounds([20, 20, 20, 20])))
        #expect(estimate == Estimate(value: 1.5, low: 1.5, high: 1.5))
        #expect(!estimate.isNoisy)
    }

    @Test("what slows both sides of a round alike does not make the ratio uncertain, but it does the median")
    func paired() throws {
        let moods: [UInt64] = [100, 160, 90, 240, 130, 110, 200, 95, 300, 120]
        let ours = rounds(moods.map { $0 * 3 })
        let ratio = try #require(Estimate(ratioOf: ours, to: rounds(moods.map { $0 * 2 })))
        let median = try #require(Estimate(medianOf: ours))
        // Drawing pairs, each median is of the same rounds; a mean of two middle rounds is exact too.
        #expect(ratio.uncertainty < 1e-9)
        #expect(median.isNoisy)
        #expect(median.low < median.value && median.value < median.high)
    }

    @Test("the interval of a ratio holds the truth about 57 times of 60")
    func coverage() throws {
        // Rounds of a known distribution: the floor takes 1,000 and ours 1,500, each uniformly 20 % more or less.
        var generator = LinearGenerator(state: 1)
        var hits = 0
        for _ in 0..<60 {
            let floor = (0..<20).map { _ in UInt64.random(in: 800...1200, using: &generator) }
            let ours = (0..<20).map { _ in UInt64.random(in: 1200...1800, using: &generator) }
            let estimate = try #require(Estimate(ratioOf: rounds(ours), to: rounds(floor)))
            if estimate.low <= 1.5, 1.5 <= estimate.high { hits += 1 }
        }
        #expect((53...60).contains(hits), "\(hits) of 60")
    }

    @Test("the same samples give the same interval every time")
    func deterministic() {
        let (ours, floor) = (rounds([9, 5, 7, 8, 6, 9, 4]), rounds([3, 4, 5, 3, 4, 3, 5]))
        #expect(Estimate(ratioOf: ours, to: floor) == Estimate(ratioOf: ours, to: floor))
    }

    @Test("uncertainties of two figures add up as squares")
    func division() {
        let one = Estimate(value: 200, low: 194, high: 206)
        let other = Estimate(value: 100, low: 96, high: 104)
        let quotient = one.divided(by: other)
        #expect(quotient.value == 2)
        #expect(abs(quotient.low - 1.9) < 1e-9)
        #expect(abs(quotient.high - 2.1) < 1e-9)
    }

    @Test("a rate turns times over: its best are the shortest times, and its interval's ends change places")
    func rates() {
        let times = distribution(of: [1_000_000, 2_000_000, 4_000_000], in: .perSecond)
        #expect(times.figures.first == 1000)
        #expect(times.median == 500)
        #expect(times.figures.last == 250)
        let estimate = Estimate(value: 2_000_000, low: 1_000_000, high: 4_000_000)
        #expect(estimate.map { Unit.perSecond.figure(ofSample: $0) } == Estimate(value: 500, low: 250, high: 1000))
        #expect(Unit.perSecond.ratio(of: 500, to: 1000) == 2)
        #expect(Unit.microseconds.ratio(of: 500, to: 1000) == 0.5)
    }
}

/// Numbers that are the same in each run; not the generator of the code under test.
private struct LinearGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
