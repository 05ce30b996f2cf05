#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A run's figures as one page that needs nothing else: a table, and what a hop through a reactor costs beside idle
/// descriptors.
struct ReportPage {
    private let report: BenchmarkReport

    init(_ report: BenchmarkReport) {
        self.report = report
    }

    var html: String {
        let rows = report.results.map { result in
            let figures = [result.median, result.p90, result.p99, result.floor].map { "<td>\(decimal($0, 3))</td>" }
            return "<tr><th>\(result.name)</th>\(figures.joined())<td>\(decimal(result.ratio, 2))</td></tr>"
        }
        let plot = IdlePlot(report.results).map { plot in
            """
            <h2>A hop beside idle descriptors</h2>
            <p>Microseconds for each hop of a token round 64 pipes; the floors, bare loops in C on the same calls, are dashed.</p>
            \(plot.svg)
            """
        }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>forkbench</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style>
            :root { color-scheme: light dark; --ink: #222; --paper: #fff; --rule: #ccc }
            @media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --rule: #444 } }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
              max-width: 60em; margin: 2em auto; padding: 0 1em }
            table { border-collapse: collapse; display: block; overflow-x: auto }
            th, td { border-bottom: 1px solid var(--rule); padding: .2em .8em; text-align: right; white-space: nowrap }
            th:first-child { text-align: left; font-weight: normal }
            svg { width: 100%; height: auto } svg text { fill: var(--ink); font: 13px system-ui, sans-serif }
            .rule { stroke: var(--rule) }
            </style></head><body>
            <h1>forkbench</h1>
            \(plot ?? "")
            <h2>All figures</h2>
            <p>Microseconds; lower is better.</p>
            <table><tr><th>benchmark</th><th>median</th><th>p90</th><th>p99</th><th>floor</th><th>ratio</th></tr>
            \(rows.joined(separator: "\n"))
            </table></body></html>

            """
    }
}

/// Cost against the number of idle descriptors, a line a backend, both axes logarithmic.
private struct IdlePlot {
    private typealias Point = (idle: Int, ours: Double, floor: Double)

    private let lines: [(name: String, points: [Point])]
    private let idleCounts: [Int]
    /// Powers of ten of the lowest and the highest cost.
    private let decades: ClosedRange<Int>

    private static let colours = ["#2a7de1", "#d9822b", "#3da35d", "#b5478f", "#8a6d3b"]
    private static let area = (left: 76.0, top: 20.0, width: 560.0, height: 320.0)

    /// `nil` when nothing was measured for it.
    init?(_ results: [BenchmarkResult]) {
        var lines: [(name: String, points: [Point])] = []
        for result in results {
            guard let (name, idle) = result.plotPoint else { continue }
            let point = (idle: idle, ours: result.median, floor: result.floor)
            if let index = lines.firstIndex(where: { $0.name == name }) {
                lines[index].points.append(point)
            } else {
                lines.append((name, [point]))
            }
        }
        let costs = lines.flatMap(\.points).flatMap { [$0.ours, $0.floor] }.filter { $0 > 0 }
        guard let lowest = costs.min(), let highest = costs.max() else { return nil }
        self.lines = lines
        idleCounts = Set(lines.flatMap(\.points).map(\.idle)).sorted()
        decades = Int(log10(lowest).rounded(.down))...Int(log10(highest).rounded(.up))
    }

    var svg: String {
        let area = Self.area
        var parts = decades.map { decade in
            let y = y(of: pow(10, Double(decade)))
            return "<line class=\"rule\" x1=\"\(area.left)\" x2=\"\(area.left + area.width)\" y1=\"\(y)\" y2=\"\(y)\"/>"
                + "<text x=\"\(area.left - 8)\" y=\"\(y + 4)\" text-anchor=\"end\">\(label(ofDecade: decade))</text>"
        }
        parts += idleCounts.map { idle in
            "<text x=\"\(x(of: idle))\" y=\"\(area.top + area.height + 20)\" text-anchor=\"middle\">\(idle)</text>"
        }
        for (index, line) in lines.enumerated() {
            let colour = Self.colours[index % Self.colours.count]
            parts.append(polyline(line.points.map { ($0.idle, $0.ours) }, colour, dashes: ""))
            parts.append(polyline(line.points.map { ($0.idle, $0.floor) }, colour, dashes: "4 4"))
            let y = area.top + 14 + Double(index) * 20
            parts.append(
                "<text x=\"\(area.left + area.width + 16)\" y=\"\(y)\" style=\"fill: \(colour)\">\(line.name)</text>")
        }
        return "<svg viewBox=\"0 0 800 370\" role=\"img\">" + parts.joined(separator: "\n") + "</svg>"
    }

    private func polyline(_ points: [(Int, Double)], _ colour: String, dashes: String) -> String {
        let places = points.map { "\(decimal(x(of: $0.0), 1)),\(decimal(y(of: $0.1), 1))" }.joined(separator: " ")
        return "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\" stroke-dasharray=\"\(dashes)\" "
            + "points=\"\(places)\"/>"
    }

    private func label(ofDecade decade: Int) -> String {
        decade >= 0 ? "\(Int(pow(10, Double(decade)))) µs" : decimal(pow(10, Double(decade)), -decade) + " µs"
    }

    private func x(of idle: Int) -> Double {
        let span = log10(Double(idleCounts.last!)) - log10(Double(idleCounts.first!))
        let place = span == 0 ? 0.5 : (log10(Double(idle)) - log10(Double(idleCounts.first!))) / span
        return Self.area.left + 20 + place * (Self.area.width - 40)
    }

    private func y(of cost: Double) -> Double {
        let span = Double(max(1, decades.upperBound - decades.lowerBound))
        let place = (log10(cost) - Double(decades.lowerBound)) / span
        return Self.area.top + Self.area.height * (1 - place)
    }
}
