/// Schema 1. Members may be added to it; those that there are keep their meaning.
extension Report {
    package static let schema = 1

    package var json: JSON {
        [
            ("schema", .integer(Self.schema)),
            ("host", host.json),
            ("interrupted", .boolean(isInterrupted)),
            ("results", .array(results.map(\.json))),
            ("failures", .array(failures.map { $0.json(as: "name") })),
            ("missing_peers", .array(missingPeers.map { $0.json(as: "peer") })),
        ]
    }

    /// What keeps a file from being a report.
    package struct FormatError: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package init(_ json: JSON) throws(FormatError) {
        guard let schema = json["schema"]?.int else { throw FormatError(description: "this is no report of forkbench") }
        guard schema == Self.schema else {
            throw FormatError(description: "its schema is \(schema), and \(Self.schema) is known")
        }
        guard let host = json["host"], let results = json["results"]?.elements else {
            throw FormatError(description: "“host” or “results” is missing")
        }
        self.init(host: HostFacts(host))
        isInterrupted = json["interrupted"]?.bool ?? false
        for (index, result) in results.enumerated() {
            guard let read = BenchmarkResult(result) else {
                let name = result["name"]?.string ?? "number \(index)"
                throw FormatError(description: "the result \(name) lacks something")
            }
            self.results.append(read)
        }
        failures = (json["failures"]?.elements ?? []).compactMap { Failure($0, as: "name") }
        missingPeers = (json["missing_peers"]?.elements ?? []).compactMap { Failure($0, as: "peer") }
    }
}

extension Report.Failure {
    fileprivate func json(as member: String) -> JSON {
        .object([(member, .string(name)), ("reason", .string(reason))])
    }

    fileprivate init?(_ json: JSON, as member: String) {
        guard let name = json[member]?.string, let reason = json["reason"]?.string else { return nil }
        self.init(name: name, reason: reason)
    }
}

extension HostFacts {
    fileprivate var json: JSON {
        [
            ("system", .string(system)), ("release", .string(release)), ("machine", .string(machine)),
            ("processor", .string(processor)), ("processors", .integer(processors)),
            ("governor", governor.map { .string($0) } ?? .null),
            ("huge_pages", hugePages.map { .string($0) } ?? .null),
            ("swift", .string(swift)), ("build", .string(build)), ("linking", .string(linking)),
            ("pinning", .string(pinning)), ("started", .string(started)),
        ]
    }

    fileprivate init(_ json: JSON) {
        func text(_ name: String) -> String { json[name]?.string ?? "unknown" }
        self.init(
            system: text("system"), release: text("release"), machine: text("machine"), processor: text("processor"),
            processors: json["processors"]?.int ?? 0, governor: json["governor"]?.string,
            hugePages: json["huge_pages"]?.string, swift: text("swift"), build: text("build"), linking: text("linking"),
            pinning: text("pinning"), started: text("started"))
    }
}

extension BenchmarkResult {
    fileprivate var json: JSON {
        var members: [(String, JSON)] = [
            ("name", .string(name)), ("layer", .string(layer.module)), ("unit", .string(unit.rawValue)),
            ("better", .string(unit.isBetterLower ? "lower" : "higher")),
            ("median", .number(median)), ("p90", .number(ours.p90)), ("p99", .number(ours.p99)),
            ("samples", .integer(samples)), ("quantiles", ours.json),
        ]
        if let typical { members += [("median_low", .number(typical.low)), ("median_high", .number(typical.high))] }
        if let floor { members += [("floor", .number(floor.median)), ("floor_quantiles", floor.json)] }
        if let ratio {
            members += [
                ("ratio", .number(ratio.value)), ("ratio_low", .number(ratio.low)), ("ratio_high", .number(ratio.high)),
                ("noisy", .boolean(isNoisy)),
            ]
        }
        if let goal {
            members.append(("goal", goal.json))
            members.append(("goal_met", meetsGoal.map { .boolean($0) } ?? .null))
        }
        if let plot {
            members.append(
                (
                    "plot",
                    [("plot", .string(plot.plot.rawValue)), ("line", .string(plot.line)), ("x", .integer(plot.x))]
                ))
        }
        members += [
            ("peers", .object(peers.map { ($0.name, .number($0.median)) })),
            ("peer_quantiles", .object(peers.map { ($0.name, $0.distribution.json) })),
        ]
        return .object(members)
    }

    fileprivate init?(_ json: JSON) {
        guard let name = json["name"]?.string, let unit = json["unit"]?.string.flatMap(Unit.init),
            let layer = Layer.allCases.first(where: { $0.module == json["layer"]?.string }),
            let samples = json["samples"]?.int, let ours = Distribution(json["quantiles"])
        else { return nil }
        var typical: Estimate?
        if let low = json["median_low"]?.double, let high = json["median_high"]?.double {
            typical = Estimate(value: ours.median, low: low, high: high)
        }
        var ratio: Estimate?
        if let value = json["ratio"]?.double, let low = json["ratio_low"]?.double, let high = json["ratio_high"]?.double
        {
            ratio = Estimate(value: value, low: low, high: high)
        }
        self.init(
            name: name, layer: layer, unit: unit, samples: samples, ours: ours,
            typical: typical, floor: Distribution(json["floor_quantiles"]), ratio: ratio, goal: Goal(json["goal"]),
            plot: PlotPoint(json["plot"]),
            peers: (json["peer_quantiles"]?.members ?? []).compactMap { name, quantiles in
                Distribution(quantiles).map { PeerFigure(name: name, distribution: $0) }
            })
    }
}

extension Distribution {
    fileprivate var json: JSON { .array(figures.map { .number($0) }) }

    fileprivate init?(_ json: JSON?) {
        self.init(figures: json?.elements?.compactMap(\.double) ?? [])
    }
}

extension Goal {
    fileprivate var json: JSON {
        switch self {
        case .ratio(let most): [("ratio", .number(most))]
        case .atMost(let most): [("at_most", .number(most))]
        case .timesBetterThanPeers(let least): [("times_better_than_peers", .number(least))]
        }
    }

    fileprivate init?(_ json: JSON?) {
        if let most = json?["ratio"]?.double {
            self = .ratio(most)
        } else if let most = json?["at_most"]?.double {
            self = .atMost(most)
        } else if let least = json?["times_better_than_peers"]?.double {
            self = .timesBetterThanPeers(least)
        } else {
            return nil
        }
    }
}

extension PlotPoint {
    fileprivate init?(_ json: JSON?) {
        guard let plot = json?["plot"]?.string.flatMap(Plot.init), let line = json?["line"]?.string,
            let x = json?["x"]?.int
        else { return nil }
        self.init(plot, line: line, at: x)
    }
}
