/// Two runs, benchmark by benchmark: how many times worse the second is.
///
/// Where both have a floor their ratios to it are compared, which a slower machine, or a busier one, changes little; else their
/// figures themselves.
package struct Comparison: Sendable {
    package let changes: [Change]
    package let onlyInFirst: [String]
    package let onlyInSecond: [String]
    /// What makes the runs hard to compare.
    package let warnings: [String]

    package struct Change: Sendable {
        package let name: String
        /// Ratios to the floor, or figures.
        package let first: Double
        package let second: Double
        package let isRelativeToFloor: Bool
        /// How many times worse.
        package let factor: Estimate

        package enum Verdict: String, Sendable {
            case worse, better, same
        }

        /// What can be said of a change: one that is past the tolerance, and that chance does not explain.
        package func verdict(tolerance: Double) -> Verdict {
            if factor.value > 1 + tolerance, factor.low > 1 { return .worse }
            if factor.value < 1 / (1 + tolerance), factor.high < 1 { return .better }
            return .same
        }
    }

    package static let defaultTolerance = 0.1

    package init(_ first: Report, _ second: Report) {
        changes = second.results.compactMap { result in
            first.results.first { $0.name == result.name && $0.unit == result.unit }.map {
                Change(from: $0, to: result)
            }
        }
        onlyInFirst = Self.names(in: first, notIn: second)
        onlyInSecond = Self.names(in: second, notIn: first)
        let facts: [(String, KeyPath<HostFacts, String>)] = [
            ("processor", \.processor), ("kernel", \.release), ("build", \.build), ("linking", \.linking),
            ("Swift", \.swift),
        ]
        warnings = facts.compactMap { name, fact in
            let (one, other) = (first.host[keyPath: fact], second.host[keyPath: fact])
            return one == other ? nil : "the \(name) differs: \(one), then \(other)"
        }
    }

    private static func names(in report: Report, notIn other: Report) -> [String] {
        report.results.map(\.name).filter { name in !other.results.contains { $0.name == name } }
    }

    package func regressions(tolerance: Double) -> [Change] {
        changes.filter { $0.verdict(tolerance: tolerance) == .worse }
    }

    /// A table of at most 100 columns.
    package func lines(tolerance: Double, _ style: TerminalStyle) -> [String] {
        func columns(_ texts: [String]) -> String { texts.map { $0.padded(to: 11, leading: true) }.joined() }
        var lines = warnings.map { style.paint("careful: \($0)", .yellow) }
        lines.append(
            style.paint("benchmark".padded(to: 33) + columns(["first", "second", "change"]) + "  (95 %)", .bold))
        for change in changes {
            let factor = change.factor
            let verdict = change.verdict(tolerance: tolerance)
            let colour: TerminalStyle.Colour? = verdict == .worse ? .red : verdict == .better ? .green : nil
            let kind = change.isRelativeToFloor ? "×" : " "
            let interval = "(\(Self.percent(factor.low)) to \(Self.percent(factor.high)))"
            lines.append(
                change.name.padded(to: 33)
                    + columns([figure(change.first) + kind, figure(change.second) + kind])
                    + style.paint(
                        columns([Self.percent(factor.value)]) + "  " + interval.padded(to: 22) + verdict.rawValue,
                        colour))
        }
        lines += onlyInFirst.map { "\($0.padded(to: 33))   only in the first run" }
        lines += onlyInSecond.map { "\($0.padded(to: 33))   only in the second run" }
        let worse = regressions(tolerance: tolerance).count
        let tolerated = "\(decimal(tolerance * 100, (tolerance * 100).rounded() == tolerance * 100 ? 0 : 1)) %"
        lines.append(
            worse == 0
                ? "None is worse by more than \(tolerated)."
                : style.paint("\(worse) of \(changes.count) are worse by more than \(tolerated).", .red))
        lines.append("× are ratios to the floor; a change of more than 0 % is for the worse.")
        return lines
    }

    private static func percent(_ factor: Double) -> String {
        (factor >= 1 ? "+" : "") + decimal((factor - 1) * 100, 1) + " %"
    }
}

extension Comparison.Change {
    fileprivate init(from old: BenchmarkResult, to new: BenchmarkResult) {
        name = new.name
        if let oldRatio = old.ratio, let newRatio = new.ratio {
            first = oldRatio.value
            second = newRatio.value
            isRelativeToFloor = true
            factor = newRatio.divided(by: oldRatio)
        } else {
            first = old.median
            second = new.median
            isRelativeToFloor = false
            let typical = (old.typical ?? Estimate(exactly: old.median), new.typical ?? Estimate(exactly: new.median))
            factor = new.unit.isBetterLower ? typical.1.divided(by: typical.0) : typical.0.divided(by: typical.1)
        }
    }
}

extension Estimate {
    fileprivate init(exactly value: Double) { self.init(value: value, low: value, high: value) }
}
