/// A figure, and the interval in which it is with 95 %.
///
/// The interval comes from a bootstrap over rounds: rounds are drawn with replacement, each draw gives the median of the
/// rounds' medians, and the middle 95 % of those, relative to that of all rounds, are the interval. For a ratio ours and the
/// floor's of one round are always drawn together, since they met the same mood of the machine. Samples within a round are
/// not independent, rounds nearly are. The draws are always the same ones.
package struct Estimate: Sendable, Equatable {
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

    /// How many times longer one side took than the other: the medians of all samples, one by the other. `nil` without samples
    /// on both sides.
    package init?(ratioOf ours: Samples, to floor: Samples) {
        let floorMedian = floor.sorted.quantile(0.5)
        guard floorMedian > 0 else { return nil }
        self.init(
            around: ours.sorted.quantile(0.5) / floorMedian, rounds: Array(zip(ours.roundMedians, floor.roundMedians))
        ) { drawn in median(drawn.map(\.0)) / median(drawn.map(\.1)) }
    }

    /// The median of all samples. `nil` without any.
    package init?(medianOf samples: Samples) {
        self.init(around: samples.sorted.quantile(0.5), rounds: samples.roundMedians, statistic: median)
    }

    private init?<Round>(around value: Double, rounds: [Round], statistic: ([Round]) -> Double) {
        let ofAll = statistic(rounds)
        guard !rounds.isEmpty, ofAll > 0 else { return nil }
        var generator = SplitMix64(state: Self.seed)
        var drawn: [Double] = []
        drawn.reserveCapacity(Self.draws)
        for _ in 0..<Self.draws {
            drawn.append(statistic(rounds.map { _ in rounds.randomElement(using: &generator)! }))
        }
        drawn.sort()
        self.value = value
        low = min(value, value * drawn[Self.draws / 40] / ofAll)
        high = max(value, value * drawn[Self.draws - 1 - Self.draws / 40] / ofAll)
    }

    /// This figure by another, both measured by themselves: their uncertainties add up as squares.
    package func divided(by other: Estimate) -> Estimate {
        let ratio = value / other.value
        let below = ((1 - low / value).squared + (other.high / other.value - 1).squared).squareRoot()
        let above = ((high / value - 1).squared + (1 - other.low / other.value).squared).squareRoot()
        return Estimate(value: ratio, low: ratio * max(0, 1 - below), high: ratio * (1 + above))
    }

    /// The same in other units; where more of one is less of the other, the ends change places.
    package func map(_ transform: (Double) -> Double) -> Estimate {
        let ends = [transform(low), transform(high)]
        return Estimate(value: transform(value), low: ends.min()!, high: ends.max()!)
    }

    /// Half the interval's width, relative to the figure.
    package var uncertainty: Double { value > 0 ? (high - low) / 2 / value : .infinity }

    /// Past this a figure is called noisy.
    package static let noisyUncertainty = 0.05

    package var isNoisy: Bool { uncertainty > Self.noisyUncertainty }
}

extension Double {
    fileprivate var squared: Double { self * self }
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
