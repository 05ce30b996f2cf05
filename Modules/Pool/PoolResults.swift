import Syscalls

/// How one of many tasks has ended.
public struct TaskResult<Output: Sendable>: Sendable {
    /// Its place among the tasks, from 0.
    public let index: Int
    /// What came of it.
    public let result: Result<Output, any Error>

    /// Its output.
    ///
    /// - Throws: What it failed with.
    public func get() throws -> Output { try result.get() }
}

/// In which order the results of many tasks come.
public enum ResultOrder: Hashable, Sendable {
    /// In that of the tasks.
    case submission
    /// As they are done.
    case completion
}

/// The results of many tasks, for async code and for code that may block, to be gone through once.
///
/// The tasks are submitted as the results are taken, a few ahead. Who stops taking them, or is cancelled, cancels those that have not
/// ended.
public struct PoolResults<Output: Codable & Sendable>: Sendable {
    private let source: ResultSource<Output>

    @usableFromInline
    init<T>(_ feed: ResultFeed<T, Output>) {
        source = ResultSource(feed)
    }
}

extension PoolResults: AsyncSequence {
    /// Takes one result after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let source: ResultSource<Output>

        /// The next result; `nil` when all have been taken.
        ///
        /// - Throws: `CancellationError` when the surrounding task is cancelled.
        public mutating func next() async throws -> TaskResult<Output>? {
            try await source.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
}

extension PoolResults: Sequence {
    /// Takes one result after the other, and blocks the calling thread until it is there.
    public struct Iterator: IteratorProtocol {
        fileprivate let source: ResultSource<Output>

        /// The next result; `nil` when all have been taken.
        @available(*, noasync, message: "use for try await")
        public mutating func next() -> TaskResult<Output>? { source.nextBlocking() }
    }

    @available(*, noasync, message: "use for try await")
    public func makeIterator() -> Iterator { Iterator(source: source) }
}

/// A feed whose kind of tasks nobody need know, which is cancelled when the last who takes from it goes.
private final class ResultSource<Output: Codable & Sendable>: Sendable {
    private let take: @Sendable () -> (index: Int, outcome: Result<Output, any Error>)?
    private let whenReady: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let pump: @Sendable () -> Void
    private let cancel: @Sendable () -> Void

    init<T>(_ feed: ResultFeed<T, Output>) {
        take = { feed.take() }
        whenReady = { feed.whenReady($0) }
        pump = { feed.pump() }
        cancel = { feed.cancel() }
    }

    deinit {
        cancel()
    }

    func next() async throws -> TaskResult<Output>? {
        try Task.checkCancellation()
        pump()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in whenReady { continuation.resume() } }
        } onCancel: {
            cancel()
        }
        try Task.checkCancellation()
        return take().map { TaskResult(index: $0.index, result: $0.outcome) }
    }

    func nextBlocking() -> TaskResult<Output>? {
        pump()
        let latch = Latch()
        whenReady { latch.open() }
        latch.wait()
        return take().map { TaskResult(index: $0.index, result: $0.outcome) }
    }
}
