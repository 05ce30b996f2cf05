import Syscalls

// From a task that has come to its result, as it goes back: all that knows the type of either.

extension PoolTask {
    static func runEncoded(
        _ incoming: WorkerLoop.IncomingTask, _ context: WorkerContext
    ) throws(TaskFailure) -> EncodedValue {
        let task = try incoming.decoded(Self.self)
        let output: Output
        do { output = try task.run(in: context) } catch { throw TaskFailure(error) }
        return try encoded(output)
    }
}

extension AsyncPoolTask {
    /// Has the task run, and blocks the calling thread, which is the worker's own and no cooperative one, until it is done.
    static func runEncoded(
        _ incoming: WorkerLoop.IncomingTask, _ context: WorkerContext, _ limit: SoftLimit,
        wait: (AsyncTaskRun) -> Void
    ) throws(TaskFailure) -> EncodedValue {
        let task = try incoming.decoded(Self.self)
        let box = AsyncOutcome()
        do throws(Errno) {
            wait(
                try AsyncTaskRun(context, limit, isSeveral: Self.self is any SeveralAsyncTasks.Type) {
                    let output: Output
                    do { output = try await task.run(in: context) } catch {
                        return box.set(.failure(TaskFailure(error)))
                    }
                    box.set(Result { () throws(TaskFailure) in try encoded(output) })
                })
        } catch {
            throw .coding("the task cannot be started: \(error)")
        }
        return try box.result.get()
    }
}

extension WorkerLoop.IncomingTask {
    fileprivate func decoded<T: Decodable>(_ type: T.Type) throws(TaskFailure) -> T {
        if header.flags.contains(.isMemory) {
            return try TaskMemory.task(type, from: value.payload)
        }
        do { return try TaskCoder.decode(type, from: value) } catch { throw .coding("\(error)") }
    }
}

/// Where an async task leaves its result for the thread that waits for it.
private final class AsyncOutcome: Sendable {
    private let outcome = Lock<Result<EncodedValue, TaskFailure>?>(nil)

    func set(_ result: Result<EncodedValue, TaskFailure>) { outcome.withLock { $0 = result } }

    /// Set before the run told that it has ended.
    var result: Result<EncodedValue, TaskFailure> { outcome.withLock { $0 }! }
}

private func encoded(_ output: some Encodable) throws(TaskFailure) -> EncodedValue {
    do throws(PoolError) {
        return try TaskCoder.encode(output)
    } catch {
        if case .coding(let reason) = error { throw .coding(reason) }
        throw .coding("\(error)")
    }
}
