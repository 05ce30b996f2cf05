/// How many times slower one side is than the other, and how sure that is.
///
/// The ratio is that of the medians of all samples. Its interval comes from a paired bootstrap over rounds: rounds are
/// drawn with replacement, ours and the floor's of one round always together, since they met the same mood of the machine;
/// each draw gives the ratio of the medians of the rounds' medians, and the middle 95 % of those, relative to the ratio of
/// all rounds, are the interval. Samples within a round are not independent, rounds nearly are. The draws are always the
/// same ones.
package struct RatioEstimate: Sendable, Equatable {
    package let value: Double
    package let low: Double
    package let high: Double

    private static let draws = 2000
    private static let seed: UInt64 = 0x5EED

    package init(value: Double, low: Double, high: Double) {
        self.value = value
        self.low = low
        self.high = high
    }

    /// `nil` without samples on both sides.
    package init?(_ ours: Samples, to floor: Samples) {
        let numerators = ours.roundMedians
        let denominators = floor.roundMedians
        let count = min(numerators.count, denominators.count)
        let floorMedian = floor.sorted.quantile(0.5)
        guard count > 0, floorMedian > 0 else { return nil }
        value = ours.sorted.quantile(0.5) / floorMedian
        let ofRounds = median(Array(numerators[..<count])) / median(Array(denominators[..<count]))
        var generator = SplitMix64(state: Self.seed)
        var ratios: [Double] = []
        ratios.reserveCapacity(Self.draws)
        for _ in 0..<Self.draws {
            let drawn = (0..<count).map { _ in Int.random(in: 0..<count, using: &generator) }
            ratios.append(median(drawn.map { numerators[$0] }) / median(drawn.map { denominators[$0] }))
        }
        ratios.sort()
        low = min(value, value * ratios[Self.draws / 40] / ofRounds)
        high = max(value, value * ratios[Self.draws - 1 - Self.draws / 40] / ofRounds)
    }

    /// Half the interval's width, relative to the ratio.
    package var uncertainty: Double { value > 0 ? (high - low) / 2 / value : .infinity }

    /// Past this a figure is called noisy.
    package static let noisyUncertainty = 0.05

    package var isNoisy: Bool { uncertainty > Self.noisyUncertainty }
}

/// A generator of numbers that are the same in each run. See Steele, Lea and Flood, “Fast splittable pseudorandom number
/// generators” (2014).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
