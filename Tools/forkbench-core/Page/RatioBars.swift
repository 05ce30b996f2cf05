/// The ratios to the floor as bars, a layer after the other: with the interval, and a mark at the goal.
struct RatioBars {
    private let results: [BenchmarkResult]
    /// What the whole width stands for.
    private let most: Double

    private static let widest = 5.0

    init?(_ report: Report) {
        results = report.tableResults.filter { $0.ratio != nil }
        guard !results.isEmpty else { return nil }
        let values = results.flatMap { [$0.ratio?.value, $0.goalRatio].compactMap(\.self) }
        most = min(Self.widest, max(2, (values.max() ?? 1) * 1.1))
    }

    var html: String {
        let layers = Layer.allCases.compactMap { layer in
            let rows = results.filter { $0.layer == layer }.map(row)
            return rows.isEmpty ? nil : "<h3>\(layer.module)</h3>\n" + rows.joined(separator: "\n")
        }
        return """
            <section>
            <h2>Times the floor</h2>
            <p>How many times worse than the same kernel work in a bare C loop: 1 is the loop itself. The thin line is where the
            ratio lies with 95 %, the mark is the goal.</p>
            <div class="bars ratios" style="--one:\(percent(100 / most))">
            \(layers.joined(separator: "\n"))
            </div>
            </section>
            """
    }

    private func row(_ result: BenchmarkResult) -> String {
        guard let ratio = result.ratio else { return "" }
        let quality = result.meetsGoal.map { $0 ? "met" : "missed" } ?? "free"
        let (low, high) = (position(ratio.low), position(ratio.high))
        let goal = result.goalRatio.map { "<b class=\"goal\" style=\"left:\(percent(position($0)))\"></b>" } ?? ""
        let overflow = ratio.value > most ? " overflow" : ""
        let notes = [
            result.goal.map { "goal \($0.text)" }, result.isNoisy ? "noisy" : nil,
            "\(figure(result.median, in: result.unit)) beside \(figure(result.floor?.median ?? 0, in: result.unit))",
        ]
        return """
            <div class="row \(quality)" title="\(escaped(notes.compactMap(\.self).joined(separator: "; ")))">
            <span class="name">\(escaped(result.name))</span>
            <span class="track"><b class="bar\(overflow)" style="width:\(percent(position(ratio.value)))"></b>\
            <b class="interval" style="left:\(percent(low));width:\(percent(max(0.3, high - low)))"></b>\(goal)</span>
            <span class="value">\(result.isNoisy ? "≈" : "")\(result.ratioText ?? "")</span>
            </div>
            """
    }

    private func position(_ ratio: Double) -> Double { min(100, ratio / most * 100) }
}

extension BenchmarkResult {
    fileprivate var goalRatio: Double? {
        if case .ratio(let most) = goal { most } else { nil }
    }
}

/// How many times better ours is than each peer, as bars on a logarithmic axis.
struct PeerBars {
    private let results: [BenchmarkResult]
    private let names: [String]
    private let scale: LogScale

    init?(_ report: Report) {
        results = report.tableResults.filter { !$0.peers.isEmpty }
        names = report.peerNames
        let advantages = results.flatMap { result in result.peers.map { result.advantage(over: $0) } }
        guard let scale = LogScale(showing: advantages + [1]) else { return nil }
        self.scale = scale
    }

    var html: String {
        """
        <section>
        <h2>Beside the peers</h2>
        <p>How many times better ours is at the same work, measured in the same run, on a logarithmic axis; the line is 1.</p>
        \(legend(names.map { Contestant.peer($0, of: names) }))
        <div class="bars peers" style="--one:\(percent(scale.position(of: 1)))">
        \(results.map(row).joined(separator: "\n"))
        </div>
        </section>
        """
    }

    private func row(_ result: BenchmarkResult) -> String {
        let bars = result.peers.map { peer in
            let advantage = result.advantage(over: peer)
            let (one, end) = (scale.position(of: 1), scale.position(of: advantage))
            let colour = Contestant.peer(peer.name, of: names).colour
            func times(_ factor: Double) -> String { decimal(factor, factor >= 10 ? 0 : 1) }
            let label = advantage >= 1 ? times(advantage) + "×" : "<em>1/\(times(1 / advantage))</em>"
            return """
                <span class="track" title="\(escaped(peer.name)): \(figure(peer.median, in: result.unit)); \
                ours: \(figure(result.median, in: result.unit))"><b class="bar" style="left:\(percent(min(one, end)));\
                width:\(percent(max(0.3, abs(end - one))));background:\(colour)"></b></span><span class="value">\(label)</span>
                """
        }
        return """
            <div class="row group"><span class="name">\(escaped(result.name))</span>
            <span class="tracks">\(bars.joined())</span></div>
            """
    }
}
