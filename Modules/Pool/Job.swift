import Syscalls

/// A task on its way through the pool. It is completed once, by whoever comes first.
final class Job: Sendable {
    typealias Completion = @Sendable (Result<Reply, any Error>) -> Void

    let id: UInt64
    let task: EncodedValue
    private let type: Any.Type
    let options: TaskOptions
    let submitted: Deadline
    /// Those with whom it was submitted, if it was with others: they are told of its end. Its place among them.
    let group: (any JobGroup)?
    let sequence: Int
    /// How many tasks it consists of.
    let count: Int
    private let state: Lock<State>

    /// Where it is; touched only under the lock of the pool's books.
    // Sound for that reason.
    @exclusivity(unchecked) nonisolated(unsafe) var place = Place.nowhere
    /// How often a worker has begun it; as `place`.
    @exclusivity(unchecked) nonisolated(unsafe) var attempts = 0
    /// How often it was given to a worker; as `place`.
    @exclusivity(unchecked) nonisolated(unsafe) var deliveries = 0
    /// What workers that have died took along of its tasks; as `place`.
    @exclusivity(unchecked) nonisolated(unsafe) var losses: [Loss] = []

    /// The first of its tasks that no worker that has died had begun.
    var firstElement: Int { losses.last.map { $0.culprit + 1 } ?? 0 }

    /// Tasks that came together and were lost with their worker.
    struct Loss {
        /// Those before the culprit were done, and their results not sent.
        let tasks: ClosedRange<Int>
        /// What became of the one that ran, and of the others.
        let error: PoolError
        let death: WorkerDeath

        var culprit: Int { tasks.upperBound }
    }

    enum Place: Equatable {
        /// Not submitted yet, or done.
        case nowhere
        case waiting
        /// With a worker.
        case worker(Int)
    }

    private struct State {
        var completion: Completion?
        var result: Result<Reply, any Error>?
        var isComplete = false
        var progress: (@Sendable (IncomingValue) -> Void)?
    }

    /// A worker that has died had begun its tasks up to this one. Returns whether there are others, which another can have.
    func lose(until culprit: Int, _ error: PoolError, _ death: WorkerDeath) -> Bool {
        guard count > 1 else { return false }
        let first = firstElement
        // As the worker said, which can have said anything.
        let culprit = min(max(culprit, first), count - 1)
        losses.append(Loss(tasks: first...culprit, error: error, death: death))
        (attempts, deliveries) = (0, 0)
        return culprit + 1 < count
    }

    init(
        id: UInt64, _ task: EncodedValue, type: Any.Type, options: TaskOptions, submitted: Deadline = .now,
        group: (any JobGroup)? = nil, sequence: Int = 0, count: Int = 1
    ) {
        self.id = id
        self.task = task
        self.type = type
        self.options = options
        self.submitted = submitted
        self.group = group
        self.sequence = sequence
        self.count = count
        state = Lock(State())
    }

    /// The task's type, for people.
    var typeName: String { String(reflecting: type) }

    /// Calls back when the task is complete, at once if it is. Called once.
    func whenComplete(_ completion: @escaping Completion) {
        let early: Result<Reply, any Error>? = state.withLock { state in
            if !state.isComplete { state.completion = completion }
            return state.result.take()
        }
        if let early { completion(early) }
    }

    var isComplete: Bool { state.withLock { $0.isComplete } }

    /// Completes it without telling anybody, which is left to the caller. Whether it was this call that completed it.
    func end() -> Bool {
        state.withLock { state in
            defer { state.isComplete = true }
            return !state.isComplete
        }
    }

    /// Whether it was this call that completed it.
    @discardableResult
    func complete(_ result: Result<Reply, any Error>) -> Bool {
        if let group {
            guard end() else { return false }
            group.ended(self, result)
            return true
        }
        let (isFirst, completion): (Bool, Completion?) = state.withLock { state in
            guard !state.isComplete else { return (false, nil) }
            state.isComplete = true
            state.progress = nil
            if state.completion == nil { state.result = result }
            return (true, state.completion.take())
        }
        completion?(result)
        return isFirst
    }

    // MARK: Progress

    /// Calls back with each report of progress from now on.
    func whenProgress(_ body: @escaping @Sendable (IncomingValue) -> Void) {
        state.withLock { if !$0.isComplete { $0.progress = body } }
    }

    func report(_ progress: IncomingValue) {
        state.withLock { $0.progress }?(progress)
    }
}

/// Who has submitted several jobs, and is told of their ends.
protocol JobGroup: AnyObject, Sendable {
    /// Workers have answered some of the jobs, which have ended with that.
    func ended(_ jobs: ArraySlice<AnsweredJob>)
    /// One of the jobs has ended in any way.
    func ended(_ job: Job, _ result: Result<Reply, any Error>)
}

/// A job, and what a worker says of it.
struct AnsweredJob {
    let job: Job
    let answer: WorkerAnswer
}

/// What came back from a worker for one task.
struct Reply: Sendable {
    let isOutput: Bool
    let value: IncomingValue
    let worker: ProcessID
    let duration: Duration

    /// The task's result.
    ///
    /// - Throws: What the task threw, or `PoolError`.
    func output<Output: Decodable>(_ type: Output.Type, of task: @autoclosure () -> String) throws -> Output {
        do {
            if isOutput { return try TaskCoder.decode(type, from: value) }
        } catch {
            throw PoolError.coding("\(error)")
        }
        throw failure(of: task())
    }

    /// Why there is no result.
    func failure(of task: String) -> any Error {
        (try? TaskCoder.decode(TaskFailure.self, from: value))?.error(of: task, in: worker)
            ?? PoolError.coding("the worker's message makes no sense")
    }
}
