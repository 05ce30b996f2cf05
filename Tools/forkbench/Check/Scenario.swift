import ForkbenchCore
import Syscalls

/// Something that the layers do together, checked on real processes: it passes or throws.
struct Scenario: Sendable {
    let layer: Layer
    let name: String
    let run: @Sendable () throws -> Void

    static let all: [Scenario] = lowerScenarios + upperScenarios + togetherScenarios

    /// Runs those of some layers, a line each. Returns how many failed.
    static func runAll(in layers: Set<Layer>) -> Int {
        var failed = 0
        for scenario in all where layers.contains(scenario.layer) {
            let start = Deadline.now
            let title = "\(scenario.layer.rawValue.padded(to: 12))\(scenario.name)"
            do {
                try scenario.run()
                print("ok      \(title) (\(nanoseconds(since: start) / 1_000_000) ms)")
            } catch {
                failed += 1
                print("FAILED  \(title): \(error)")
            }
            flushStandardStreams()
        }
        return failed
    }
}

/// What a scenario found instead of what it expected.
struct Unexpected: Error, CustomStringConvertible {
    let description: String
}

/// Fails a scenario unless the condition holds.
func expect(_ condition: Bool, _ description: @autoclosure () -> String) throws {
    if !condition { throw Unexpected(description: description()) }
}

/// Fails a scenario unless the call throws an error that is as expected.
func expectError(_ description: String, where isExpected: (any Error) -> Bool, _ body: () throws -> Void) throws {
    do {
        try body()
    } catch {
        return try expect(isExpected(error), "\(description) was expected, and it was: \(error)")
    }
    throw Unexpected(description: "\(description) was expected, and nothing was thrown")
}

/// Waits until a condition holds that no descriptor tells of.
func expectSoon(_ description: String, within time: Duration = .seconds(20), _ condition: () throws -> Bool) throws {
    let deadline = Deadline.after(time)
    while try !condition() {
        if deadline.hasPassed { throw Unexpected(description: "not within \(time): \(description)") }
        Deadline.after(.milliseconds(5)).sleep()
    }
}
