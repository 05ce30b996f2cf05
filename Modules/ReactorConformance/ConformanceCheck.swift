import Reactor
import Syscalls

/// One statement about a reactor's behaviour that has to be true whatever its backend.
///
/// The list is for anybody's backend, from a test target of theirs, whatever the test library:
///
///     @Test(arguments: ConformanceCheck.all)
///     func conforms(check: ConformanceCheck) throws { try check.run(SelectBackend.self) }
///
/// Those that fork or interrupt their process need one of their own, whose `main` calls `ConformanceCheck.main`.
public struct ConformanceCheck: Sendable, CustomStringConvertible {
    /// The statement.
    public let name: String
    private let body: @Sendable (Workbench) throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (Workbench) throws -> Void) {
        self.name = name
        self.body = body
    }

    public var description: String { name }

    /// Those that any process can run, several at once too.
    public static let all: [ConformanceCheck] =
        backendChecks + readinessChecks + triggerChecks + batchChecks + failureChecks + booksChecks + timerChecks
        + schedulingChecks + childChecks

    /// Those that need a process of their own, with one thread.
    public static let inOwnProcess: [ConformanceCheck] = forkChecks + signalChecks

    /// Runs the check.
    ///
    /// - Throws: What is not as it should be, or what a call threw that should not have.
    public func run(_ backend: any ReactorBackend.Type) throws(ConformanceFailure) {
        let bench = Workbench(backend)
        defer { bench.tearDown() }
        do {
            try body(bench)
        } catch {
            bench.record(error)
        }
        if !bench.failures.isEmpty {
            throw ConformanceFailure(check: name, backend: backend.name, problems: bench.failures)
        }
    }
}

/// What a backend does otherwise than the check's name says.
public struct ConformanceFailure: Error, CustomStringConvertible {
    public let check: String
    public let backend: String
    /// What was expected and what was found, each with its place in the kit.
    public let problems: [String]

    public var description: String { (["\(backend): not true that \(check)"] + problems).joined(separator: "\n  ") }
}
