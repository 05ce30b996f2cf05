/// Cost against a size: ours as full lines, the floor dashed, peers dotted. The sizes are evenly spaced, costs logarithmic.
struct LinePlot {
    private struct Line {
        let contestant: Contestant
        let name: String
        let dashes: String
        var points: [(x: Int, y: Double)]
    }

    private let plot: PlotPoint.Plot
    private let lines: [Line]
    private let sizes: [Int]
    private let scale: LogScale
    private let unit: Unit

    /// `nil` when nothing was measured for it.
    init?(_ plot: PlotPoint.Plot, _ report: Report) {
        var lines: [Line] = []
        func add(_ contestant: Contestant, _ line: String, _ dashes: String, _ x: Int, _ y: Double) {
            let name = "\(line): \(contestant.name)"
            if let index = lines.firstIndex(where: { $0.name == name }) {
                lines[index].points.append((x, y))
            } else {
                lines.append(Line(contestant: contestant, name: name, dashes: dashes, points: [(x, y)]))
            }
        }
        let results = report.results.filter { $0.plot?.plot == plot }
        let (ours, peers) = (Self.distinctLines(results), report.peerNames)
        for result in results {
            guard let point = result.plot else { continue }
            let colour = "var(--line\((ours.firstIndex(of: point.line) ?? 0) % 5))"
            add(Contestant(name: "ours", colour: colour), point.line, "", point.x, result.median)
            if let floor = result.floor {
                add(Contestant(name: "floor in C", colour: colour), point.line, "6 5", point.x, floor.median)
            }
            for peer in result.peers {
                // Of several lines a peer has the same colour.
                let dashes = ours.firstIndex(of: point.line) == 0 ? "2 4" : "8 3 2 3"
                add(.peer(peer.name, of: peers), point.line, dashes, point.x, peer.median)
            }
        }
        guard let unit = results.first?.unit, let scale = LogScale(showing: lines.flatMap { $0.points.map(\.y) }) else {
            return nil
        }
        self.plot = plot
        self.lines = lines
        self.unit = unit
        self.scale = scale
        sizes = Set(lines.flatMap { $0.points.map(\.x) }).sorted()
    }

    private static func distinctLines(_ results: [BenchmarkResult]) -> [String] {
        var lines: [String] = []
        for line in results.compactMap(\.plot?.line) where !lines.contains(line) { lines.append(line) }
        return lines
    }

    var html: String {
        let rules = scale.ticks.map { tick in
            let bottom = percent(scale.position(of: tick))
            return "<i class=\"rule\" style=\"bottom:\(bottom)\"><span>\(tickLabel(tick, in: unit))</span></i>"
        }
        let labels = sizes.map { "<span class=\"size\" style=\"left:\(percent(x($0)))\">\(plot.label(of: $0))</span>" }
        let dots = lines.flatMap { line in
            line.points.map { point in
                """
                <b class="dot" style="left:\(percent(x(point.x)));bottom:\(percent(scale.position(of: point.y)));\
                background:\(line.contestant.colour)" title="\(escaped(line.name)), \(plot.label(of: point.x)): \
                \(figure(point.y, in: unit))"></b>
                """
            }
        }
        let keys = lines.map { line in
            """
            <span><svg viewBox="0 0 28 6"><path d="M0 3H28" stroke-dasharray="\(line.dashes)" \
            style="stroke:\(line.contestant.colour)"/></svg>\(escaped(line.name))</span>
            """
        }
        return """
            <section>
            <h2>\(plot.title)</h2>
            <p>\(plot.explanation)</p>
            <div class="plot" role="img" aria-label="\(plot.title)">\(rules.joined())
            <svg viewBox="0 0 100 100" preserveAspectRatio="none">\(lines.map(path).joined())</svg>
            \(dots.joined())\(labels.joined())</div>
            <p class="legend">\(keys.joined())</p>
            </section>
            """
    }

    private func path(_ line: Line) -> String {
        let places = line.points.sorted { $0.x < $1.x }.map { point in
            "\(decimal(x(point.x), 2)) \(decimal(100 - scale.position(of: point.y), 2))"
        }
        return """
            <path d="M\(places.joined(separator: "L"))" stroke-dasharray="\(line.dashes)" \
            style="stroke:\(line.contestant.colour)"/>
            """
    }

    private func x(_ size: Int) -> Double {
        guard sizes.count > 1, let index = sizes.firstIndex(of: size) else { return 50 }
        return 4 + Double(index) / Double(sizes.count - 1) * 92
    }
}

extension PlotPoint.Plot {
    fileprivate var title: String {
        switch self {
        case .payload: "Cost of a payload"
        case .idleDescriptors: "A hop beside idle descriptors"
        case .preloadedMemory: "A child of a warm server"
        case .workers: "Small tasks and workers"
        }
    }

    fileprivate var explanation: String {
        switch self {
        case .payload: "So many bytes to another process and back: as a message, and as a task's payload."
        case .idleDescriptors:
            "A hop of a token round 64 pipes in an event loop, which watches so many idle descriptors too."
        case .preloadedMemory:
            "Request until the child's first byte, from a server with so much memory written to, paced by 2 ms: with children "
                + "parked ahead (the default), and without. The floor without has small pages, as a server has that does nothing "
                + "about it."
        case .workers: "Small tasks a second, one a message, by so many workers."
        }
    }

    fileprivate func label(of size: Int) -> String {
        switch self {
        case .payload where size >= 1 << 20: "\(size >> 20) MiB"
        case .payload where size >= 1 << 10: "\(size >> 10) KiB"
        case .payload: "\(size) B"
        case .preloadedMemory where size >= 1024: "\(size >> 10) GiB"
        case .preloadedMemory: "\(size) MiB"
        case .idleDescriptors, .workers: size < 1000 ? "\(size)" : figure(Double(size))
        }
    }
}
