import ForkbenchCore
import Syscalls

/// Something that the layers do together, checked on real processes: it passes or throws.
struct Scenario: Sendable {
    let layer: Layer
    let name: String
    let run: @Sendable () throws -> Void

    static let all: [Scenario] = lowerScenarios + upperScenarios + growthScenarios + togetherScenarios

    #if os(Linux)
        private static let growthScenarios = [serverGrowth]
    #else
        private static let growthScenarios: [Scenario] = []
    #endif
}

extension [Scenario] {
    /// Runs them, a line each; below one that failed what was expected and what was seen. Returns how many failed.
    func runAll(_ style: TerminalStyle, show: (String) -> Void) -> Int {
        var failed = 0
        for scenario in self {
            let start = Deadline.now
            func line(_ verdict: String, _ colour: TerminalStyle.Colour) -> String {
                let time = "(\(nanoseconds(since: start) / 1_000_000) ms)"
                return style.paint(verdict.padded(to: 8), colour) + scenario.layer.rawValue.padded(to: 12)
                    + "\(scenario.name) \(time)"
            }
            do {
                try scenario.run()
                show(line("ok", .green))
            } catch {
                failed += 1
                show(line("FAILED", .red))
                let unexpected = error as? Unexpected ?? Unexpected(expected: "no error", seen: "\(error)")
                show("        expected: \(unexpected.expected)\n        seen:     \(unexpected.seen)")
            }
        }
        return failed
    }
}

extension Command {
    func runCheck(_ arguments: [String]) throws -> Int32 {
        let parsed = try parse(arguments)
        let layers = try parsed.layers()
        let filter = parsed.values["--filter"]
        let chosen = Scenario.all.filter { scenario in
            layers.contains(scenario.layer) && filter.map { "\(scenario.layer) \(scenario.name)".contains($0) } ?? true
        }
        guard !chosen.isEmpty else { throw UsageError("check: no scenario matches; see forkbench list") }
        let failed = chosen.runAll(TerminalStyle(of: .standardOutput)) { print($0) }
        print(failed == 0 ? "All \(chosen.count) passed." : "\(failed) of \(chosen.count) failed.")
        return failed == 0 ? 0 : 1
    }
}

/// What a scenario found instead of what it expected.
struct Unexpected: Error {
    let expected: String
    let seen: String
}

/// Fails a scenario unless something is as expected.
func expect<Value: Equatable>(_ what: String, _ seen: Value, is expected: Value) throws {
    if seen != expected { throw Unexpected(expected: "\(what): \(expected)", seen: "\(seen)") }
}

/// Fails a scenario unless the condition holds.
func expect(_ expected: String, _ condition: Bool, seen: @autoclosure () -> String) throws {
    if !condition { throw Unexpected(expected: expected, seen: seen()) }
}

/// Fails a scenario unless the call throws an error that is as expected.
func expectError(_ expected: String, where isExpected: (any Error) -> Bool, _ body: () throws -> Void) throws {
    do {
        try body()
    } catch {
        return try expect(expected, isExpected(error), seen: "\(error)")
    }
    throw Unexpected(expected: expected, seen: "no error")
}

/// Waits until a condition holds that no descriptor tells of.
func expectSoon(
    _ expected: String, within time: Duration = .seconds(20), seen: () -> String, _ condition: () throws -> Bool
) throws {
    let deadline = Deadline.after(time)
    while try !condition() {
        if deadline.hasPassed { throw Unexpected(expected: "\(expected), within \(time)", seen: seen()) }
        Deadline.after(.milliseconds(5)).sleep()
    }
}
