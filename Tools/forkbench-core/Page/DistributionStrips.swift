/// Where the samples of a benchmark lie: for ours, the floor and each peer the middle half as a box, 1 to 99 % as a line,
/// and the median as a mark.
struct DistributionStrips {
    private let report: Report
    private let names: [String]

    init?(_ report: Report) {
        guard !report.tableResults.isEmpty else { return nil }
        self.report = report
        names = report.peerNames
    }

    var html: String {
        let peers = names.map { Contestant.peer($0, of: names) }
        return """
            <section>
            <h2>Distributions</h2>
            <p>The box holds the middle half of the samples, the line 98 of 100, the mark is the median. Each benchmark has a
            logarithmic axis of its own.</p>
            \(legend([.ours, .floor] + peers))
            <div class="cards">
            \(report.tableResults.compactMap(card).joined(separator: "\n"))
            </div>
            </section>
            """
    }

    private func card(_ result: BenchmarkResult) -> String? {
        let sides =
            [(Contestant.ours, result.ours)] + (result.floor.map { [(Contestant.floor, $0)] } ?? [])
            + result.peers.map { (Contestant.peer($0.name, of: names), $0.distribution) }
        guard let scale = LogScale(showing: sides.flatMap { [$0.1.worst, $0.1.best] }) else { return nil }
        let strips = sides.map { contestant, distribution in strip(contestant, distribution, scale, result.unit) }
        // Labels take room: with many ticks every second one has to do.
        let ticks = scale.ticks
        let spacing = (ticks.count + 5) / 6
        let marks = ticks.enumerated().map { index, tick in
            let label = index.isMultiple(of: spacing) ? "<span>\(tickLabel(tick, in: result.unit))</span>" : ""
            return "<i style=\"left:\(percent(scale.position(of: tick)))\">\(label)</i>"
        }
        return """
            <figure class="card"><figcaption>\(escaped(result.name))</figcaption>
            <div class="strips"><div class="grid">\(marks.joined())</div>\(strips.joined())</div></figure>
            """
    }

    private func strip(
        _ contestant: Contestant, _ distribution: Distribution, _ scale: LogScale, _ unit: Unit
    ) -> String {
        func span(_ name: String, _ one: Double, _ other: Double) -> String {
            let ends = [scale.position(of: one), scale.position(of: other)].sorted()
            return
                "<b class=\"\(name)\" style=\"left:\(percent(ends[0]));width:\(percent(max(0.4, ends[1] - ends[0])))\"></b>"
        }
        let title = [
            contestant.name, "median \(figure(distribution.median, in: unit))",
            "p90 \(figure(distribution.p90, in: unit))",
            "p99 \(figure(distribution.p99, in: unit))",
        ]
        return """
            <div class="strip" style="color:\(contestant.colour)" title="\(escaped(title.joined(separator: ", ")))">\
            \(span("reach", distribution.best, distribution.worst))\
            \(span("box", distribution.lowerQuartile, distribution.upperQuartile))\
            <b class="median" style="left:\(percent(scale.position(of: distribution.median)))"></b></div>
            """
    }
}

extension Distribution {
    fileprivate var best: Double { figures[1] }
    fileprivate var worst: Double { p99 }
    fileprivate var lowerQuartile: Double { figures[4] }
    fileprivate var upperQuartile: Double { figures[6] }
}
