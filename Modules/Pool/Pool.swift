import AsyncFraming
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
    let dispatcher: Dispatcher

    /// Starts a pool. The workers come up in the background; tasks wait for them.
    ///
    /// - Parameters:
    ///   - workers: How many; by default one for each processor that this program may use.
    ///   - server: What forks them. A program that uses the shared one calls `ForkServer.bootstrap()` first in `main`.
    ///   - options: How the pool and its workers behave.
    public init(
        workers: Int? = nil, server: ForkServer = .shared, options: Options = Options()
    ) throws(PoolError) {
        let count = workers ?? Self.usableProcessors
        precondition(count > 0, "a pool needs at least one worker")
        do throws(Errno) {
            dispatcher = try Dispatcher(server: server, workers: count, options)
        } catch {
            throw .system(error)
        }
    }

    deinit {
        dispatcher.terminate()
    }

    // MARK: One task

    /// Runs a task in a worker.
    ///
    /// - Parameters:
    ///   - task: What to run.
    ///   - options: Its limits and priority; `nil` are the pool's.
    /// - Throws: What the task throws: the same error where its type is `Codable`, otherwise `RemoteError`. `PoolError`;
    ///   `CancellationError` when the surrounding task is cancelled: a task that waits is not run then, and one that runs is told.
    public func run<T: PoolTask>(_ task: T, options: TaskOptions? = nil) async throws -> T.Output {
        try await output(of: dispatcher.makeJob(task, options))
    }

    /// Runs an async task in a worker. Parameters and errors are those of the other.
    public func run<T: AsyncPoolTask>(_ task: T, options: TaskOptions? = nil) async throws -> T.Output {
        try await output(of: dispatcher.makeJob(task, options))
    }

    /// Runs a task in a worker, and blocks the calling thread until it is done. Parameters and errors are those of the async one.
    @available(*, noasync, message: "use the async run")
    public func run<T: PoolTask>(_ task: T, options: TaskOptions? = nil) throws -> T.Output {
        try blockingOutput(of: dispatcher.makeJob(task, options))
    }

    /// Runs an async task in a worker, and blocks the calling thread until it is done. Parameters and errors are those of the async
    /// one.
    @available(*, noasync, message: "use the async run")
    public func run<T: AsyncPoolTask>(_ task: T, options: TaskOptions? = nil) throws -> T.Output {
        try blockingOutput(of: dispatcher.makeJob(task, options))
    }

    private func output<Output: Decodable & Sendable>(of job: Job) async throws -> Output {
        let reply = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                job.whenComplete { continuation.resume(with: $0) }
                if let refusal = dispatcher.submit(job) { dispatcher.fail(job, refusal) }
            }
        } onCancel: {
            dispatcher.cancel(job)
        }
        return try reply.output(Output.self, of: job.typeName)
    }

    private func blockingOutput<Output: Decodable>(of job: Job) throws -> Output {
        if job.options.isUnlimited, let reply = try dispatcher.runOnIdleWorker(job) {
            return try reply.output(Output.self, of: job.typeName)
        }
        let waiter = BlockedCaller()
        job.whenComplete { waiter.finish($0) }
        if let refusal = dispatcher.submit(job) { throw refusal }
        return try waiter.wait().output(Output.self, of: job.typeName)
    }

    // MARK: Workers

    /// How many workers there are, or shall be once they are up.
    public var workerCount: Int { dispatcher.state.withLock { $0.size } }

    /// The processes of the workers that run now.
    public var workerProcessIDs: [ProcessID] {
        dispatcher.state.withLock { state in
            state.workers.all.map(\.child.processID)
        }
    }

    /// Changes how many workers there are. New ones come up in the background; those that are too many end when they have done what
    /// they run.
    public func resize(to workers: Int) {
        precondition(workers > 0, "a pool needs at least one worker")
        dispatcher.resize(to: workers)
    }

    /// Replaces all workers that there are now, one by one: each ends when it has done what it runs, and no task is lost.
    ///
    /// Returns when the last replacement is up.
    public func recycle() async {
        let workers = dispatcher.state.withLock { state in state.workers.all }
        for worker in workers {
            await withCheckedContinuation { continuation in
                dispatcher.replace(worker) { continuation.resume() }
            }
        }
    }

    /// One for each processor that this program may use. See sched_getaffinity(2).
    private static var usableProcessors: Int {
        #if os(Linux)
            if let count = try? ProcessID.current.affinity().count, count > 0 { return count }
        #endif
        return max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN)))
    }

    // MARK: Watching

    /// What the pool has done so far, and has to do.
    public var statistics: PoolStatistics { dispatcher.statistics }

    /// What happens in the pool from now on. Who takes the events too slowly misses some. Ends with the pool.
    public func events() -> AsyncStream<PoolEvent> { dispatcher.observers.makeStream() }

    /// A task executor whose thread reads the workers' replies: async code that prefers it is resumed without a hop to another thread.
    /// What blocks it holds up the whole pool.
    public var executor: any TaskExecutor { dispatcher.reactor }

    // MARK: The end

    /// Takes no more tasks, and ends the workers when those it has are done. Returns at once; `shutDown` waits.
    public func close() {
        dispatcher.close()
    }

    /// Takes no more tasks, waits until those it has are done, and ends the workers. Returns when the last of them is reaped.
    ///
    /// - Parameter deadline: When to kill those that are not done; their tasks, and those that wait, fail with `PoolError.closed`.
    @available(*, noasync, message: "use the async shutDown")
    public func shutDown(until deadline: Deadline = .never) {
        dispatcher.shutDown(until: deadline)
    }

    /// Takes no more tasks, waits until those it has are done, and ends the workers. Returns when the last of them is reaped.
    ///
    /// - Parameter deadline: When to kill those that are not done; their tasks, and those that wait, fail with `PoolError.closed`.
    public func shutDown(until deadline: Deadline = .never) async {
        try? await onThreadOfItsOwn(failing: ForkServerError.system) { [dispatcher] () throws(ForkServerError) in
            dispatcher.shutDown(until: deadline)
        }
    }

    /// Kills the workers, and returns when the last of them is reaped. The tasks that wait or run fail with `PoolError.closed`.
    @available(*, noasync, message: "use the async terminate")
    public func terminate() {
        dispatcher.shutDown(until: .now)
    }

    /// Kills the workers, and returns when the last of them is reaped. The tasks that wait or run fail with `PoolError.closed`.
    public func terminate() async {
        await shutDown(until: .now)
    }
}

/// A thread that waits for a task.
final class BlockedCaller: Sendable {
    private let outcome = Lock<Result<Reply, any Error>?>(nil)
    private let latch = Latch()

    func finish(_ result: Result<Reply, any Error>) {
        outcome.withLock { $0 = result }
        latch.open()
    }

    func wait() throws -> Reply {
        latch.wait()
        // Set before the latch was opened.
        return try outcome.withLock { $0 }!.get()
    }
}
