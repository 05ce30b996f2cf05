import Syscalls

/// A task that was submitted, to be awaited, watched and cancelled. Safe to use from any thread and any number of times.
///
/// Letting go of it does not end the task.
public final class TaskHandle<Output: Codable & Sendable>: Sendable {
    private let job: Job
    private let dispatcher: Dispatcher
    private let outcome = Lock<Result<Reply, any Error>?>(nil)
    private let waiters = Lock<[@Sendable (Result<Reply, any Error>) -> Void]>([])
    private let decoded = Lock<Result<Output, any Error>?>(nil)

    init(_ job: Job, _ dispatcher: Dispatcher) {
        self.job = job
        self.dispatcher = dispatcher
        job.whenComplete { [self] result in
            let waiting = waiters.withLock { waiters in
                outcome.withLock { $0 = result }
                defer { waiters = [] }
                return waiters
            }
            for waiter in waiting { waiter(result) }
        }
    }

    /// The task's number in its pool.
    public var taskID: UInt64 { job.id }

    /// How far a task has got.
    public enum State: Hashable, Sendable {
        /// It waits for a worker.
        case waiting
        /// A worker has it: its process. It may be about to begin it.
        case running(ProcessID)
        /// It has ended, in one way or another.
        case done
    }

    /// How far it has got by now.
    public var state: State {
        if job.isComplete { return .done }
        return dispatcher.state.withLock { state in
            guard case .worker(let number) = job.place, let worker = state.workers[number] else { return .waiting }
            return .running(worker.child.processID)
        }
    }

    /// The task's output, once it has ended.
    ///
    /// - Throws: What `Pool.run` throws. That the surrounding task is cancelled does not touch this one, and is `CancellationError`.
    public var value: Output {
        get async throws {
            let waiter = OneWaiter()
            let reply = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    waiter.begin(continuation)
                    whenDone { waiter.finish($0) }
                }
            } onCancel: {
                waiter.finish(.failure(CancellationError()))
            }
            return try result(reply).get()
        }
    }

    /// The task's output, once it has ended; blocks the calling thread.
    @available(*, noasync, message: "use the async value")
    public func wait() throws -> Output {
        let waiter = BlockedCaller()
        whenDone { waiter.finish($0) }
        return try result(waiter.wait()).get()
    }

    /// Gives the task up, which then ends with `CancellationError`: one that waits is not run, one that runs is told, and killed with
    /// its worker if `TaskOptions.killAfterCancellation` says so.
    public func cancel() {
        dispatcher.cancel(job)
    }

    /// What the task reports with `WorkerContext.report` from now on, until it ends. Reports of another type are left out, and those
    /// that nobody takes but for the last ones.
    public func progress<Progress: Decodable & Sendable>(as type: Progress.Type) -> AsyncStream<Progress> {
        let (stream, continuation) = AsyncStream.makeStream(of: type, bufferingPolicy: .bufferingNewest(256))
        job.whenProgress { value in
            if let progress = try? TaskCoder.decode(type, from: value) { continuation.yield(progress) }
        }
        whenDone { _ in continuation.finish() }
        return stream
    }

    private func whenDone(_ body: @escaping @Sendable (Result<Reply, any Error>) -> Void) {
        let early: Result<Reply, any Error>? = waiters.withLock { waiters in
            if let outcome = outcome.withLock({ $0 }) { return outcome }
            waiters.append(body)
            return nil
        }
        if let early { body(early) }
    }

    /// Decoded once: descriptors in a result can be taken out of it once.
    private func result(_ reply: Reply) -> Result<Output, any Error> {
        decoded.withLock { decoded in
            if let decoded { return decoded }
            let result = Result { try reply.output(Output.self, of: job.typeName) }
            decoded = result
            return result
        }
    }
}

/// A continuation that is resumed once, by whoever comes first.
private final class OneWaiter: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Reply, any Error>?
        var isOver = false
    }

    private let state = Lock(State())

    func begin(_ continuation: CheckedContinuation<Reply, any Error>) {
        let isOver = state.withLock { state in
            if !state.isOver { state.continuation = continuation }
            return state.isOver
        }
        if isOver { continuation.resume(throwing: CancellationError()) }
    }

    func finish(_ result: Result<Reply, any Error>) {
        let continuation = state.withLock { state in
            state.isOver = true
            return state.continuation.take()
        }
        continuation?.resume(with: result)
    }
}

extension Pool {
    // MARK: Handles

    /// Submits a task, and does not wait for its result. Waits while the queue is full.
    ///
    /// - Throws: `PoolError`; `CancellationError` when the surrounding task is cancelled while it waits for room.
    public func submit<T: PoolTask>(_ task: T, options: TaskOptions? = nil) async throws -> TaskHandle<T.Output> {
        try await submit(dispatcher.makeJob(task, options))
    }

    /// Submits an async task, and does not wait for its result. As the other.
    public func submit<T: AsyncPoolTask>(_ task: T, options: TaskOptions? = nil) async throws -> TaskHandle<T.Output> {
        try await submit(dispatcher.makeJob(task, options))
    }

    /// Submits a task, and blocks the calling thread only while the queue is full.
    @available(*, noasync, message: "use the async submit")
    public func submit<T: PoolTask>(_ task: T, options: TaskOptions? = nil) throws -> TaskHandle<T.Output> {
        try submitBlocking(dispatcher.makeJob(task, options))
    }

    /// Submits an async task, and blocks the calling thread only while the queue is full.
    @available(*, noasync, message: "use the async submit")
    public func submit<T: AsyncPoolTask>(_ task: T, options: TaskOptions? = nil) throws -> TaskHandle<T.Output> {
        try submitBlocking(dispatcher.makeJob(task, options))
    }

    private func submit<Output>(_ job: Job) async throws -> TaskHandle<Output> {
        let handle = TaskHandle<Output>(job, dispatcher)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if let refusal = dispatcher.submit(job, admitted: { continuation.resume() }) {
                    continuation.resume(throwing: refusal)
                }
            }
        } onCancel: {
            dispatcher.cancel(job)
        }
        return handle
    }

    private func submitBlocking<Output>(_ job: Job) throws(PoolError) -> TaskHandle<Output> {
        let handle = TaskHandle<Output>(job, dispatcher)
        let latch = Latch()
        if let refusal = dispatcher.submit(job, admitted: { latch.open() }) { throw refusal }
        latch.wait()
        return handle
    }
}
