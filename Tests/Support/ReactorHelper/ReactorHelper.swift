import Reactor
import TestSupport

/// What tests of Reactor cannot do in the test runner, which has threads: fork, and be interrupted by signals.
///
/// The second argument names the backend.
@main enum ReactorHelper {
    static func main() {
        runSubcommand(signalCommands.merging(forkCommands) { $1 })
    }
}

/// A reactor with the backend that the test asks for.
func makeReactor() throws -> Reactor {
    guard CommandLine.arguments.count > 2, let backend = ReactorBackends.named(CommandLine.arguments[2]) else {
        fail("a backend is wanted: \(ReactorBackends.all.map { $0.name }.joined(separator: " "))")
    }
    return try Reactor(backend: backend)
}

extension Reactor {
    /// Handles what is ready now, without waiting for more.
    func look() throws {
        try runOnce(timeout: .zero)
    }
}
