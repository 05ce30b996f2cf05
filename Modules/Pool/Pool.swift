import AsyncFraming
import BinaryCoding
import ForkServer
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Worker processes that run typed tasks, and may crash, hang or be killed without taking the program down.
///
/// Each worker is a child of the fork server with a socket of its own, and runs one task at a time; one that dies is
/// replaced, and the task that it had fails with an error that says so. The workers end with the pool or the program. Safe
/// to use from any thread and from async code.
public final class Pool: Sendable {
    private let core: PoolCore
    /// How many workers there are.
    public let workerCount: Int

    /// Starts a pool. The workers come up in the background; tasks wait for them.
    ///
    /// - Parameters:
    ///   - workers: How many; by default one for each processor.
    ///   - server: What forks them. A program that uses the shared one calls `ForkServer.bootstrap()` first in `main`.
    ///   - queueLimit: How many tasks may wait for a worker; more are refused.
    public init(workers: Int? = nil, server: ForkServer = .shared, queueLimit: Int = 1 << 20) throws(PoolError) {
        workerCount = workers ?? max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
        precondition(workerCount > 0, "a pool needs at least one worker")
        do throws(Errno) {
            core = try PoolCore(server: server, workers: workerCount, queueLimit: queueLimit)
        } catch {
            throw .system(error)
        }
    }

    deinit {
        core.terminate()
    }

    /// The processes of the workers that run now.
    public var workerProcessIDs: [ProcessID] { core.processIDs }

    /// How many tasks wait for a worker.
    package var waitingTaskCount: Int { core.waitingTaskCount }
    /// How many tasks workers have now.
    package var runningTaskCount: Int { core.runningTaskCount }

    // MARK: One task

    /// Runs a task in a worker.
    ///
    /// - Throws: `PoolError`; `CancellationError` when the surrounding task is cancelled: a task that waits is not run then,
    ///   and of one that runs the result is dropped.
    public func run<T: PoolTask>(_ task: T) async throws -> T.Output {
        try await reply(to: try TaskMessage.encode(task)).output(T.Output.self, of: T.self)
    }

    /// Runs an async task in a worker.
    public func run<T: AsyncPoolTask>(_ task: T) async throws -> T.Output {
        try await reply(to: try TaskMessage.encode(task)).output(T.Output.self, of: T.self)
    }

    /// Runs a task in a worker, and blocks the calling thread until it is done.
    @available(*, noasync, message: "use the async run")
    public func run<T: PoolTask>(_ task: T) throws(PoolError) -> T.Output {
        try blockingReply(to: try TaskMessage.encode(task)).output(T.Output.self, of: T.self)
    }

    /// Runs an async task in a worker, and blocks the calling thread until it is done.
    @available(*, noasync, message: "use the async run")
    public func run<T: AsyncPoolTask>(_ task: T) throws(PoolError) -> T.Output {
        try blockingReply(to: try TaskMessage.encode(task)).output(T.Output.self, of: T.self)
    }

    func submit(_ submission: Submission) -> PoolError? {
        core.submit(submission)
    }

    private func reply(to task: EncodedTask) async throws -> Reply {
        let submission = Submission(task)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                submission.whenComplete { continuation.resume(with: $0) }
                submit(submission).map { submission.complete(.failure($0)) }
            }
        } onCancel: {
            core.cancel(submission)
        }
    }

    private func blockingReply(to task: EncodedTask) throws(PoolError) -> Reply {
        if let reply = try core.runOnIdleWorker(task) { return reply }
        let waiter = BlockedCaller()
        if let refusal = submit(Submission(task) { waiter.finish($0) }) { throw refusal }
        return try waiter.wait()
    }

    // MARK: The end

    /// Takes no more tasks, waits until those it has are done, and ends the workers.
    @available(*, noasync, message: "use the async shutDown")
    public func shutDown() {
        core.close()
        core.ended.wait()
    }

    /// Takes no more tasks, waits until those it has are done, and ends the workers.
    public func shutDown() async {
        core.close()
        try? await onThreadOfItsOwn(failing: ForkServerError.system) { [core] () throws(ForkServerError) in
            core.ended.wait()
        }
    }

    /// Kills the workers. The tasks that wait or run fail with `PoolError.closed`.
    public func terminate() {
        core.terminate()
    }
}

/// A thread that waits for a task.
private final class BlockedCaller: Sendable {
    private let outcome = Lock<Result<Reply, any Error>?>(nil)
    private let latch = Latch()

    func finish(_ result: Result<Reply, any Error>) {
        outcome.withLock { $0 = result }
        latch.open()
    }

    func wait() throws(PoolError) -> Reply {
        latch.wait()
        // Set before the latch was opened.
        switch outcome.withLock({ $0 })! {
        case .success(let reply): return reply
        case .failure(let error as PoolError): throw error
        case .failure(let error): preconditionFailure("nobody can cancel this task: \(error)")
        }
    }
}
