/// A run's figures as lines of at most 100 columns.
package struct Table {
    private let style: TerminalStyle

    package init(_ style: TerminalStyle) { self.style = style }

    private static let nameWidth = 29
    private static let figureWidth = 9

    /// Where it takes place, and the columns.
    package func header(of host: HostFacts) -> [String] {
        let columns = ["median", "p90", "p99", "floor"].map { $0.padded(to: Self.figureWidth, leading: true) }
        let warning = host.isDebug ? [style.paint(HostFacts.debugWarning, .red)] : []
        let facts = host.lines.flatMap { wrapped($0, to: 100).split(separator: "\n") }.map(String.init)
        return facts.map { style.paint($0, .dim) } + warning + [
            style.paint(
                "benchmark".padded(to: Self.nameWidth + 4) + columns.joined() + "  ratio  (95 %)        goal", .bold)
        ]
    }

    /// A line, and one below it for each peer.
    package func lines(of result: BenchmarkResult) -> [String] {
        let ours = [result.ours.median, result.ours.p90, result.ours.p99].map { figure($0) }
        let figures = ours + [result.floor.map { figure($0.median) } ?? "–"]
        let own =
            result.name.padded(to: Self.nameWidth) + result.unit.symbol.padded(to: 4, leading: true)
            + figures.map { $0.padded(to: Self.figureWidth, leading: true) }.joined() + "  " + ratio(of: result)
        return [own] + result.peers.map { line(of: $0, beside: result) }
    }

    private func ratio(of result: BenchmarkResult) -> String {
        let goal = result.goal.map { goal in
            goal.text + (result.meetsGoal.map { $0 ? " ✓" : " ✗" } ?? "")
        }
        guard let ratio = result.ratio, let text = result.ratioText else { return paintedGoal(goal ?? "", result) }
        let interval = "(\(decimal(ratio.low, 2))–\(decimal(ratio.high, 2)))"
        let value = text.padded(to: 5, leading: true)
        return paintedGoal(value, result) + " " + (result.isNoisy ? style.paint("≈", .yellow) : " ")
            + style.paint(interval.padded(to: 13), result.isNoisy ? .yellow : .dim) + " "
            + paintedGoal(goal ?? "", result)
    }

    private func paintedGoal(_ text: String, _ result: BenchmarkResult) -> String {
        style.paint(text, result.meetsGoal.map { $0 ? .green : .red })
    }

    private func line(of peer: BenchmarkResult.PeerFigure, beside result: BenchmarkResult) -> String {
        let advantage = result.advantage(over: peer)
        let comparison = advantage >= 1 ? "ours \(times(advantage)) better" : "ours \(times(1 / advantage)) worse"
        let figures = [peer.distribution.median, peer.distribution.p90, peer.distribution.p99].map {
            figure($0).padded(to: Self.figureWidth, leading: true)
        }
        let name = "  \(peer.name)".padded(to: Self.nameWidth + 4)
        return style.paint(name + figures.joined(), .dim) + "  " + style.paint(comparison, advantage >= 1 ? nil : .red)
    }

    private func times(_ ratio: Double) -> String { decimal(ratio, ratio >= 10 ? 0 : 1) + "×" }

    package func line(of failure: Report.Failure) -> String {
        failure.name.padded(to: Self.nameWidth) + " " + style.paint("FAILED", .red) + ": \(failure.reason)"
    }

    /// What the marks mean, where there are any, and what was not measured.
    package func footer(of report: Report) -> [String] {
        var lines: [String] = []
        if report.results.contains(where: \.isNoisy) {
            lines.append(
                "≈ noisy: the ratio is uncertain by more than \(decimal(Estimate.noisyUncertainty * 100, 0)) %")
        }
        lines += report.missingPeers.map { style.paint("no figures of \($0.name): \($0.reason)", .yellow) }
        if report.isInterrupted {
            lines.append(style.paint("interrupted: these are the benchmarks that had ended", .yellow))
        }
        return lines
    }
}
