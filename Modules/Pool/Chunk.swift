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

/// A task that is several, each of which is cancelled by itself at its deadline.
protocol SeveralAsyncTasks {}

/// Several async tasks in one message, run one after the other.
struct AsyncChunk<T: AsyncPoolTask>: AsyncPoolTask, SeveralAsyncTasks {
    let tasks: TaskArray<T>

    func run(in context: WorkerContext) async -> ChunkOutcomes<T.Output> {
        var outcomes = ChunkOutcomes<T.Output>()
        outcomes.outputs.reserveCapacity(tasks.elements.count)
        var progress = _ChunkProgress(context)
        for place in progress.first..<tasks.elements.count {
            guard progress.begin(place) else { break }
            let (task, context) = (tasks.elements[place], progress.context)
            do {
                outcomes.outputs.append(try await context.untilDeadline { try await task.run(in: context) })
            } catch {
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
    /// The first that is to be run.
    @usableFromInline let first: Int

    init(_ context: WorkerContext) {
        self.context = context
        first = context.firstElement
    }

    /// Begins a task; `false` when none is wanted any more.
    @usableFromInline
    mutating func begin(_ place: Int) -> Bool {
        guard let link = context.link else { return true }
        // The first began with the message.
        if place == first {
            link.beginElement(place, at: nil)
        } else {
            let limit = context.softTimeLimit
            let now: Deadline? = context.isTimed || limit > 0 ? .now : nil
            if limit > 0, let now { context.deadline = now + .nanoseconds(limit) }
            link.beginElement(place, at: now)
        }
        return !link.isCancelled(context.taskID)
    }

    @usableFromInline
    mutating func noteFailure(_ error: any Error, _ place: Int) {
        failures.append(ChunkFailure(place: place - first, failure: TaskFailure(error)))
    }
}

extension WorkerContext {
    /// Runs one of several async tasks, and cancels it, and no other, when its deadline has passed.
    fileprivate func untilDeadline<Output: Sendable>(
        _ body: @escaping @Sendable () async throws -> Output
    ) async throws -> Output {
        guard softTimeLimit > 0, let link else { return try await body() }
        let task = Task(operation: body)
        link.atDeadline(deadline) { task.cancel() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// One of the tasks of a chunk has failed: its place among those that were run.
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
