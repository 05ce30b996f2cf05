import Framing
import Syscalls

/// What is to be cancelled when its soft time limit has passed, and when that is.
final class SoftLimit: Sendable {
    private let state = Lock<(deadline: Deadline, cancel: @Sendable () -> Void)>((.never, {}))

    /// Has something else be cancelled, at a time that is no earlier.
    func set(_ deadline: Deadline, _ cancel: @escaping @Sendable () -> Void) {
        state.withLock { $0 = (deadline, cancel) }
    }

    var current: (deadline: Deadline, cancel: @Sendable () -> Void) { state.withLock { $0 } }
}

/// An async task that runs in a worker, whose thread meanwhile reads what comes: a cancellation, and tasks for later.
final class AsyncTaskRun: Sendable {
    private let id: UInt64
    private let task: Task<Void, Never>
    private let bell: Pipe
    private let softTimeLimit: Int64
    private let limit: SoftLimit

    /// Starts it.
    ///
    /// - Parameters:
    ///   - limit: Nobody else's meanwhile.
    ///   - isSeveral: Whether it is several tasks, and says itself of each what is to be cancelled at its deadline.
    init(
        _ context: WorkerContext, _ limit: SoftLimit, isSeveral: Bool, _ body: @escaping @Sendable () async -> Void
    ) throws(Errno) {
        softTimeLimit = context.softTimeLimit
        self.limit = limit
        // Before it begins, and says something else.
        limit.set(context.deadline) {}
        id = context.taskID
        bell = try Pipe()
        // The pipe outlives the task: whoever has made it waits for that.
        let ring = bell.writeEnd.descriptor
        // Detached: it must not inherit the main actor from a bootstrap in an async main.
        let task = Task.detached {
            await body()
            try? ring.writeAll([1])
        }
        self.task = task
        if !isSeveral { limit.set(context.deadline) { task.cancel() } }
    }

    /// Cancels it, if it is the one that is meant.
    func cancel(_ id: UInt64) {
        if id == self.id { task.cancel() }
    }

    /// Blocks until the task has ended.
    ///
    /// - Parameter takeIn: Called when there is something to read; `false` when nothing more will come.
    func wait(reading connection: Connection, _ takeIn: () -> Bool) {
        let done = bell.readEnd.descriptor
        var mayCome = true
        var nextLook = limit.current.deadline
        while true {
            var entries = [PollEntry(done, .readable)]
            if mayCome {
                // The connection is closed by nobody but its peer.
                try? connection.withDescriptor { entries.append(PollEntry($0, .readable)) }
            }
            guard (try? poll(&entries, until: nextLook)) ?? 0 > 0 else {
                nextLook = cancelIfDue()
                continue
            }
            if !entries[0].readiness.isEmpty { return }
            mayCome = takeIn()
        }
    }

    /// Returns when to look again: of several tasks the next one has another deadline, which is not nearer than this.
    private func cancelIfDue() -> Deadline {
        let (deadline, cancel) = limit.current
        guard deadline.hasPassed else { return deadline }
        // Of one that takes no notice it does no harm to call again.
        cancel()
        return .now + .nanoseconds(softTimeLimit)
    }
}
