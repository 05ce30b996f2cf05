/// Work that a pool's worker process does: its input in the value's own fields, its result as `Output`.
///
/// Both travel between processes as `Codable`; `PassedDescriptor`s in them travel as descriptors, `SharedBytes` as memory. The task is
/// found in the worker by its type's name, without registration, so the type must not be private or local to a function.
public protocol PoolTask: Codable, Sendable {
    associatedtype Output: Codable & Sendable

    /// Runs in a worker process, which runs one task at a time.
    func run(in context: WorkerContext) throws -> Output

    /// Runs tasks that came in one message. Not to be implemented: it is a requirement so that the compiler makes one for each type,
    /// whose loop knows the type.
    static func _run(_ tasks: [Self], _ outputs: inout [Output], _ progress: inout _ChunkProgress)
}

extension PoolTask {
    @inlinable
    public static func _run(_ tasks: [Self], _ outputs: inout [Output], _ progress: inout _ChunkProgress) {
        for place in progress.first..<tasks.count {
            guard progress.begin(place) else { return }
            do { outputs.append(try tasks[place].run(in: progress.context)) } catch {
                progress.noteFailure(error, place)
            }
        }
    }
}

/// A task that uses `await`.
///
/// A worker that gets one starts Swift's concurrency runtime; workers that only get `PoolTask`s never do.
public protocol AsyncPoolTask: Codable, Sendable {
    associatedtype Output: Codable & Sendable

    /// Runs in a worker process, which runs one task at a time. It is cancelled, as Swift's tasks are, when the program cancels it and
    /// when its soft time limit has passed.
    func run(in context: WorkerContext) async throws -> Output
}

/// What a worker does once, before its first task.
public protocol WorkerInitializer: Codable, Sendable {
    /// Runs in the worker process. A worker whose initializer throws ends, and counts as one that did not start.
    func run(in context: WorkerContext) throws
}
