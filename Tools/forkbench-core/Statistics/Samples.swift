/// What one side of a benchmark has measured, round by round.
package struct Samples: Sendable {
    package private(set) var rounds: [[UInt64]] = []

    package init(_ rounds: [[UInt64]] = []) {
        self.rounds = rounds
    }

    package mutating func append(round: [UInt64]) { rounds.append(round) }

    package mutating func append(_ other: Samples) { rounds += other.rounds }

    package var count: Int { rounds.reduce(0) { $0 + $1.count } }

    /// The samples of all rounds, sorted.
    package var sorted: SortedSamples { SortedSamples(rounds.flatMap(\.self)) }

    /// The median of each round.
    package var roundMedians: [Double] { rounds.filter { !$0.isEmpty }.map { SortedSamples($0).quantile(0.5) } }
}

/// Samples in order.
package struct SortedSamples: Sendable {
    private let values: [UInt64]

    package init(_ values: [UInt64]) {
        self.values = values.sorted()
    }

    package var count: Int { values.count }

    /// The sample below which a share of all lies, from 0 to 1: the nearest rank. 0 without samples.
    package func quantile(_ share: Double) -> Double {
        guard !values.isEmpty else { return 0 }
        return Double(values[min(values.count - 1, Int(Double(values.count) * share))])
    }
}

/// The middle one of some numbers, or the mean of the middle two.
package func median(_ numbers: [Double]) -> Double {
    guard !numbers.isEmpty else { return 0 }
    let sorted = numbers.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
