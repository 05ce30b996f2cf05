/// What a benchmark is to reach.
package enum Goal: Sendable, Equatable {
    /// At most so many times the floor.
    case ratio(Double)
    /// At most so much, in the benchmark's unit.
    case atMost(Double)
    /// At least so many times better than the best peer.
    case timesBetterThanPeers(Double)

    package var text: String {
        switch self {
        case .ratio(let most): "≤ \(decimal(most, 2))"
        case .atMost(let most): "≤ \(decimal(most, 0))"
        case .timesBetterThanPeers(let least): "≥ \(decimal(least, 0))× peers"
        }
    }

    /// Whether it is reached; `nil` where what it takes was not measured.
    package func isMet(by result: BenchmarkResult) -> Bool? {
        switch self {
        case .ratio(let most): result.ratio.map { $0.value <= most }
        case .atMost(let most): result.median <= most
        case .timesBetterThanPeers(let least):
            result.peers.map { result.unit.ratio(of: $0.median, to: result.median) }.min().map { $0 >= least }
        }
    }
}
