import Syscalls

/// Several tasks in one message.
struct Chunk<T: PoolTask>: PoolTask {
    let tasks: TaskArray<T>

    func run(in context: WorkerContext) -> ChunkOutcomes<T.Output> {
        var outcomes = ChunkOutcomes<T.Output>()
        outcomes.outputs.reserveCapacity(tasks.elements.count)
        var progress = _ChunkProgress(context)
        T._run(tasks.elements, &outcomes.outputs, &progress)
        outcomes.failures = progress.failures
        return outcomes
    }
}

/// Several async tasks in one message, run one after the other.
struct AsyncChunk<T: AsyncPoolTask>: AsyncPoolTask {
    let tasks: TaskArray<T>

    func run(in context: WorkerContext) async -> ChunkOutcomes<T.Output> {
        var outcomes = ChunkOutcomes<T.Output>()
        outcomes.outputs.reserveCapacity(tasks.elements.count)
        var progress = _ChunkProgress(context)
        for (place, task) in tasks.elements.enumerated() {
            guard progress.begin(place) else { break }
            do { outcomes.outputs.append(try await task.run(in: progress.context)) } catch {
                progress.noteFailure(error, place)
            }
        }
        outcomes.failures = progress.failures
        return outcomes
    }
}

/// How far a worker has got with the tasks that came in one message. For `PoolTask._run` alone.
public struct _ChunkProgress {
    /// The context of the one that runs.
    @usableFromInline private(set) var context: WorkerContext
    private(set) var failures: [ChunkFailure] = []

    init(_ context: WorkerContext) {
        self.context = context
    }

    /// Begins a task; `false` when none is wanted any more.
    @usableFromInline
    mutating func begin(_ place: Int) -> Bool {
        // A chunk's first task began with the chunk.
        guard let link = context.link else { return true }
        if place > 0 {
            let limit = context.softTimeLimit
            let now: Deadline? = context.isTimed || limit > 0 ? .now : nil
            if limit > 0, let now { context.deadline = now + .nanoseconds(limit) }
            link.beginElement(place, at: now)
        }
        return !link.isCancelled(context.taskID)
    }

    @usableFromInline
    mutating func noteFailure(_ error: any Error, _ place: Int) {
        failures.append(ChunkFailure(place: place, failure: TaskFailure(error)))
    }
}

/// One of the tasks of a chunk has failed: its place among them.
struct ChunkFailure: Codable, Sendable {
    let place: Int
    let failure: TaskFailure
}

/// How the tasks of a chunk have ended. Apart, since an array of outputs is coded much faster than one of alternatives.
struct ChunkOutcomes<Output: Codable & Sendable>: Codable, Sendable {
    /// Of those that did not fail, in order.
    var outputs: [Output] = []
    var failures: [ChunkFailure] = []

    /// Outputs and failures in the order of the tasks; `nil` when there are not so many.
    func inOrder(_ count: Int, error: (TaskFailure) -> any Error) -> TaskOutcomes<Output>? {
        guard outputs.count + failures.count == count else { return nil }
        guard !failures.isEmpty else { return .outputs(outputs) }
        var results: [Result<Output, any Error>] = []
        var outputs = outputs[...]
        var failures = failures[...]
        while results.count < count {
            if let next = failures.first, next.place == results.count || outputs.isEmpty {
                results.append(.failure(error(next.failure)))
                failures.removeFirst()
            } else {
                results.append(.success(outputs.removeFirst()))
            }
        }
        return .mixed(results)
    }
}
