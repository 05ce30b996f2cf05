import FDPassing
import Pool
import Syscalls
import TestSupport

// Tasks of one type of which each does something else, for those that go together.

/// Notes that it ran, and does as it is told.
public struct Step: PoolTask {
    public enum Action: Codable, Sendable {
        case nothing
        case hold(Hold)
        case nap(milliseconds: Int)
        case spin
        case die
    }

    let action: Action
    let runs: PassedDescriptor

    public init(_ action: Action, noting runs: PassedDescriptor) {
        self.action = action
        self.runs = runs
    }

    /// When it was to have ended, in nanoseconds from now; -1 is never.
    public func run(in context: WorkerContext) throws -> Int64 {
        try runs.descriptor!.writeAll("x")
        switch action {
        case .nothing: break
        case .hold(let hold): _ = try hold.run(in: context)
        case .nap(let milliseconds): Deadline.after(.milliseconds(milliseconds)).sleep()
        case .spin: while true {}
        case .die: try ProcessID.current.send(.kill)
        }
        guard let left = context.deadline.remaining else { return -1 }
        return left.components.seconds * 1_000_000_000 + left.components.attoseconds / 1_000_000_000
    }
}

/// Waits until it is cancelled, or does not wait; whether it was.
public struct AsyncStep: AsyncPoolTask {
    let waits: Bool

    public init(waits: Bool) {
        self.waits = waits
    }

    public func run(in context: WorkerContext) async -> Bool {
        if waits { try? await Task.sleep(for: .seconds(300)) }
        return Task.isCancelled
    }
}
