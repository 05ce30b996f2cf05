import Framing
import Syscalls

/// An async task that runs in a worker, whose thread meanwhile reads what comes: a cancellation, and tasks for later.
final class AsyncTaskRun: Sendable {
    private let id: UInt64
    private let deadline: Deadline
    private let task: Task<Void, Never>
    private let bell: Pipe

    /// Starts it.
    init(_ context: WorkerContext, _ body: @escaping @Sendable () async -> Void) throws(Errno) {
        id = context.taskID
        deadline = context.deadline
        bell = try Pipe()
        // The pipe outlives the task: whoever has made it waits for that.
        let ring = bell.writeEnd.descriptor
        // Detached: it must not inherit the main actor from a bootstrap in an async main.
        task = Task.detached {
            await body()
            try? ring.writeAll([1])
        }
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
        var limit = deadline
        while true {
            var entries = [PollEntry(done, .readable)]
            if mayCome {
                // The connection is closed by nobody but its peer.
                try? connection.withDescriptor { entries.append(PollEntry($0, .readable)) }
            }
            guard (try? poll(&entries, until: limit)) ?? 0 > 0 else {
                // Its soft time limit: it is told once.
                task.cancel()
                limit = .never
                continue
            }
            if !entries[0].readiness.isEmpty { return }
            mayCome = takeIn()
        }
    }
}
