import ForkServer
import Syscalls

extension Pool {
    /// Runs many tasks, and gives their results in the order of the tasks.
    ///
    /// - Parameter chunkSize: How many tasks go to a worker at once. Large chunks save messages; a worker that dies takes its
    ///   whole chunk along. By default a fourth of each worker's share.
    /// - Throws: The first error in the order of the tasks, after all have ended; see `results` for all of them.
    public func map<T: PoolTask>(_ tasks: [T], chunkSize: Int? = nil) async throws -> [T.Output] {
        try await results(of: tasks, chunkSize: chunkSize).map { result throws(PoolError) in try result.get() }
    }

    /// Runs many tasks, and blocks the calling thread until all have ended.
    @available(*, noasync, message: "use the async map")
    public func map<T: PoolTask>(_ tasks: [T], chunkSize: Int? = nil) throws(PoolError) -> [T.Output] {
        var outputs: [T.Output] = []
        for result in results(of: tasks, chunkSize: chunkSize) { outputs.append(try result.get()) }
        return outputs
    }

    /// Runs many tasks, and tells of each how it ended, in the order of the tasks.
    ///
    /// - Throws: `CancellationError`.
    public func results<T: PoolTask>(
        of tasks: [T], chunkSize: Int? = nil
    ) async throws -> [Result<T.Output, PoolError>] {
        let batch = Batch(tasks, chunkSize: chunkSize ?? defaultChunkSize(tasks.count), pool: self)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in batch.start { continuation.resume() } }
        } onCancel: {
            batch.cancel()
        }
        try Task.checkCancellation()
        return batch.results
    }

    /// Runs many tasks, and blocks the calling thread until all have ended.
    @available(*, noasync, message: "use the async results")
    public func results<T: PoolTask>(
        of tasks: [T], chunkSize: Int? = nil
    ) -> [Result<T.Output, PoolError>] {
        let batch = Batch(tasks, chunkSize: chunkSize ?? defaultChunkSize(tasks.count), pool: self)
        let done = Latch()
        batch.start { done.open() }
        done.wait()
        return batch.results
    }

    private func defaultChunkSize(_ count: Int) -> Int {
        max(1, (count + workerCount * 4 - 1) / (workerCount * 4))
    }
}

/// Several tasks in one message.
struct Chunk<T: PoolTask>: PoolTask {
    let tasks: [T]

    func run(in context: WorkerContext) -> [Outcome] {
        tasks.map { task in
            do {
                return .output(try task.run(in: context))
            } catch {
                return .failure(type: String(reflecting: type(of: error)), description: "\(error)")
            }
        }
    }

    enum Outcome: Codable, Sendable {
        case output(T.Output)
        case failure(type: String, description: String)

        var result: Result<T.Output, PoolError> {
            switch self {
            case .output(let output): .success(output)
            case .failure(let type, let description): .failure(.taskFailed(type: type, description: description))
            }
        }
    }
}

/// A `map` under way: a few chunks at a time are at the workers or on their way.
private final class Batch<T: PoolTask>: Sendable {
    private let tasks: [T]
    private let chunkSize: Int
    private let pool: Pool
    private let state: Lock<State>

    private struct State {
        var results: [Result<T.Output, PoolError>?]
        /// The first task that was not submitted.
        var next = 0
        var remaining: Int
        var done: (@Sendable () -> Void)?
    }

    init(_ tasks: [T], chunkSize: Int, pool: Pool) {
        precondition(chunkSize > 0, "a chunk needs at least one task")
        self.tasks = tasks
        self.chunkSize = chunkSize
        self.pool = pool
        state = Lock(State(results: Array(repeating: nil, count: tasks.count), remaining: tasks.count))
    }

    var results: [Result<T.Output, PoolError>] {
        state.withLock { $0.results.map { $0 ?? .failure(.closed) } }
    }

    /// Submits the first chunks; each that ends is followed by the next.
    func start(_ done: @escaping @Sendable () -> Void) {
        guard !tasks.isEmpty else { return done() }
        state.withLock { $0.done = done }
        for _ in 0..<pool.workerCount * 2 { submitNext() }
        // Cancelled before it began, nothing of it will end.
        endIfDone()
    }

    /// Submits no more. What has been submitted runs to its end, and is waited for.
    func cancel() {
        state.withLock { state in
            state.remaining -= tasks.count - state.next
            state.next = tasks.count
        }
        endIfDone()
    }

    /// Submits a chunk; one that is refused has ended, and the next takes its place.
    private func submitNext() {
        while let range = nextRange() {
            do throws(PoolError) {
                let message = try TaskMessage.encode(Chunk(tasks: Array(tasks[range])))
                let submission = Submission(message) { [self] result in
                    note(range, result)
                    endIfDone()
                    submitNext()
                }
                guard let refusal = pool.submit(submission) else { return }
                throw refusal
            } catch {
                note(range, .failure(error))
            }
        }
        endIfDone()
    }

    private func nextRange() -> Range<Int>? {
        state.withLock { state in
            guard state.next < tasks.count else { return nil }
            let range = state.next..<min(state.next + chunkSize, tasks.count)
            state.next = range.upperBound
            return range
        }
    }

    private func note(_ range: Range<Int>, _ result: Result<Reply, any Error>) {
        let results = outcomes(result, count: range.count)
        state.withLock { state in
            for (index, result) in zip(range, results) { state.results[index] = result }
            state.remaining -= range.count
        }
    }

    private func endIfDone() {
        let done: (@Sendable () -> Void)? = state.withLock { $0.remaining == 0 ? $0.done.take() : nil }
        done?()
    }

    private func outcomes(_ result: Result<Reply, any Error>, count: Int) -> [Result<T.Output, PoolError>] {
        do {
            let outcomes = try result.get().output([Chunk<T>.Outcome].self, of: T.self)
            guard outcomes.count == count else {
                throw PoolError.coding("\(outcomes.count) results for \(count) tasks")
            }
            return outcomes.map(\.result)
        } catch {
            let error = error as? PoolError ?? .closed
            return Array(repeating: .failure(error), count: count)
        }
    }
}
