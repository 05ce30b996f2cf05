/// A pool's books: which workers there are, what they do, and which tasks wait.
struct PoolBooks {
    /// What a worker is busy with.
    struct Running {
        /// `nil` when a thread has leased the worker and sees for itself.
        var submission: Submission?
        /// Whether the worker can have begun it.
        var wasSent = true
    }

    var phase = PoolPhase.open
    var workers: [ObjectIdentifier: Worker] = [:]
    /// The one that was used last is used next: its caches are warm.
    var idle: [Worker] = []
    var running: [ObjectIdentifier: Running] = [:]
    var queue = TaskQueue()
    /// Workers that are being started.
    var starting = 0
    /// Workers that died or did not start, since a task was last done.
    var failuresInARow = 0

    /// Notes that the worker is about to be sent a task.
    mutating func assign(_ submission: Submission, to worker: Worker) {
        running[ObjectIdentifier(worker)] = Running(submission: submission)
        worker.handover.store(.underWay, ordering: .relaxed)
    }
}

/// How far a pool is on its way to its end.
enum PoolPhase {
    case open
    /// Takes no more tasks, and ends when those it has are done.
    case draining
    case terminated
}
