import Syscalls

/// A task on its way through the pool. It is completed once, by whoever comes first.
final class Job: Sendable {
    typealias Completion = @Sendable (Result<Reply, any Error>) -> Void

    let id: UInt64
    let task: EncodedValue
    private let type: Any.Type
    let options: TaskOptions
    let submitted = Deadline.now
    private let state: Lock<State>

    /// Where it is; touched only under the lock of the pool's books.
    // Sound for that reason.
    @exclusivity(unchecked) nonisolated(unsafe) var place = Place.nowhere
    /// How often a worker has begun it; as `place`.
    @exclusivity(unchecked) nonisolated(unsafe) var attempts = 0
    /// How often it was given to a worker; as `place`.
    @exclusivity(unchecked) nonisolated(unsafe) var deliveries = 0

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

    init(id: UInt64, _ task: EncodedValue, type: Any.Type, options: TaskOptions) {
        self.id = id
        self.task = task
        self.type = type
        self.options = options
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

    /// Whether it was this call that completed it.
    @discardableResult
    func complete(_ result: Result<Reply, any Error>) -> Bool {
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
