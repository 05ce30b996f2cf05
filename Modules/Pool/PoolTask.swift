import Syscalls

/// Work that a pool's worker process does: its input in the value's own fields, its result as `Output`.
///
/// Both travel between processes as `Codable`; `PassedDescriptor`s in them travel as descriptors. The task is found in the
/// worker by its type's name, without registration, so the type must not be private or local to a function.
public protocol PoolTask: Codable, Sendable {
    associatedtype Output: Codable & Sendable

    /// Runs in a worker process, which runs one task at a time.
    func run(in context: WorkerContext) throws -> Output
}

/// A task that uses `await`.
///
/// A worker that gets one starts Swift's concurrency runtime; workers that only get `PoolTask`s never do.
public protocol AsyncPoolTask: Codable, Sendable {
    associatedtype Output: Codable & Sendable

    /// Runs in a worker process, which runs one task at a time.
    func run(in context: WorkerContext) async throws -> Output
}

/// What a task can know of where it runs.
public struct WorkerContext: Sendable {
    /// The worker's process.
    public let processID: ProcessID
    /// How many tasks this worker has begun, this one included.
    public let taskNumber: Int

    /// The worker makes it; programs do so to test their tasks without a pool.
    public init(processID: ProcessID = .current, taskNumber: Int = 1) {
        self.processID = processID
        self.taskNumber = taskNumber
    }
}
