/// One benchmark's figures, in its unit.
package struct BenchmarkResult: Sendable {
    package let name: String
    package let layer: Layer
    package let unit: Unit
    package let samples: Int
    package let ours: Distribution
    /// The median once more, with its uncertainty.
    package let typical: Estimate?
    package let floor: Distribution?
    package let ratio: Estimate?
    package let goal: Goal?
    package let plot: PlotPoint?
    package let peers: [PeerFigure]

    /// What a peer took for the same work.
    package struct PeerFigure: Sendable {
        /// Such as `cpython-3.11 multiprocessing`.
        package let name: String
        package let distribution: Distribution
        package var median: Double { distribution.median }

        package init(name: String, distribution: Distribution) {
            self.name = name
            self.distribution = distribution
        }
    }

    package init(
        name: String, layer: Layer, unit: Unit, samples: Int, ours: Distribution, typical: Estimate?,
        floor: Distribution?, ratio: Estimate?, goal: Goal?, plot: PlotPoint?, peers: [PeerFigure]
    ) {
        self.name = name
        self.layer = layer
        self.unit = unit
        self.samples = samples
        self.ours = ours
        self.typical = typical
        self.floor = floor
        self.ratio = ratio
        self.goal = goal
        self.plot = plot
        self.peers = peers
    }

    package var median: Double { ours.median }

    package var isNoisy: Bool { ratio?.isNoisy ?? false }

    package var meetsGoal: Bool? { goal?.isMet(by: self) }

    /// The ratio with two decimals, or with three where a goal that it misses would look the same with two.
    package var ratioText: String? {
        guard let ratio else { return nil }
        let text = decimal(ratio.value, 2)
        if case .ratio(let most) = goal, ratio.value > most, text == decimal(most, 2) { return decimal(ratio.value, 3) }
        return text
    }

    /// How many times better ours is than a peer.
    package func advantage(over peer: PeerFigure) -> Double { unit.ratio(of: peer.median, to: median) }
}

/// Figures at shares of the samples, from the best to the worst.
package struct Distribution: Sendable, Equatable {
    /// Of the samples, sorted from the best, so many are before each figure.
    package static let shares: [Double] = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]

    package let figures: [Double]

    package init(_ samples: SortedSamples, in unit: Unit) {
        figures = Self.shares.map { unit.figure(ofSample: samples.quantile($0)) }
    }

    /// `nil` unless there is one for each share.
    package init?(figures: [Double]) {
        guard figures.count == Self.shares.count else { return nil }
        self.figures = figures
    }

    package var median: Double { figure(at: 0.5) }
    package var p90: Double { figure(at: 0.9) }
    package var p99: Double { figure(at: 0.99) }

    private func figure(at share: Double) -> Double { figures[Self.shares.firstIndex(of: share)!] }
}
