import Syscalls

extension Pool {
    // MARK: Many tasks

    /// Runs many tasks, and gives their outputs in the order of the tasks.
    ///
    /// - Parameters:
    ///   - tasks: Taken as workers need them.
    ///   - chunkSize: How many go to a worker in one message. A worker that dies takes along what it has done of that.
    ///   - options: The limits and priority of each task; `nil` are the pool's.
    /// - Throws: `MapFailure`, which says which task failed and with what; those that were not submitted yet are not then. Of several
    ///   it is the first in the order of the tasks, but for those that were lost with a worker that another has taken down.
    ///   `CancellationError`.
    @inlinable
    public func map<Source: Sequence & Sendable>(
        _ tasks: Source, chunkSize: ChunkSize = .automatic, options: TaskOptions? = nil
    ) async throws -> [Source.Element.Output] where Source.Element: PoolTask {
        try await collect(feed(TaskSource(tasks), chunkSize, .together, options))
    }

    /// Runs many async tasks. Parameters and errors are those of the other.
    @inlinable
    public func map<Source: Sequence & Sendable>(
        _ tasks: Source, chunkSize: ChunkSize = .automatic, options: TaskOptions? = nil
    ) async throws -> [Source.Element.Output] where Source.Element: AsyncPoolTask {
        try await collect(feed(TaskSource(tasks), chunkSize, .together, options))
    }

    /// Runs many tasks, and blocks the calling thread until they are done. Parameters and errors are those of the async one.
    @available(*, noasync, message: "use the async map")
    @inlinable
    public func map<Source: Sequence & Sendable>(
        _ tasks: Source, chunkSize: ChunkSize = .automatic, options: TaskOptions? = nil
    ) throws -> [Source.Element.Output] where Source.Element: PoolTask {
        try collectBlocking(feed(TaskSource(tasks), chunkSize, .together, options))
    }

    /// Runs many tasks, and tells of each how it ended.
    ///
    /// The tasks are taken as their results are, a few ahead. The sequence is one for `for try await`, and for `for`, which blocks.
    ///
    /// - Parameters:
    ///   - tasks: Taken as workers need them.
    ///   - order: In which order the results come.
    ///   - chunkSize: How many go to a worker in one message. A worker that dies takes along what it has done of that.
    ///   - options: The limits and priority of each task; `nil` are the pool's.
    @inlinable
    public func results<Source: Sequence & Sendable>(
        of tasks: Source, order: ResultOrder = .submission, chunkSize: ChunkSize = .automatic,
        options: TaskOptions? = nil
    ) -> PoolResults<Source.Element.Output> where Source.Element: PoolTask {
        PoolResults(feed(TaskSource(tasks), chunkSize, order == .submission ? .submission : .completion, options))
    }

    /// Runs many async tasks, and tells of each how it ended. Parameters are those of the other.
    @inlinable
    public func results<Source: Sequence & Sendable>(
        of tasks: Source, order: ResultOrder = .submission, chunkSize: ChunkSize = .automatic,
        options: TaskOptions? = nil
    ) -> PoolResults<Source.Element.Output> where Source.Element: AsyncPoolTask {
        PoolResults(feed(TaskSource(tasks), chunkSize, order == .submission ? .submission : .completion, options))
    }

    @usableFromInline
    func collect<T, Output>(_ feed: ResultFeed<T, Output>) async throws -> [Output] {
        try Task.checkCancellation()
        feed.pump()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in feed.whenReady { continuation.resume() } }
        } onCancel: {
            feed.cancel()
        }
        try Task.checkCancellation()
        return try feed.takeAll()
    }

    @usableFromInline
    func collectBlocking<T, Output>(_ feed: ResultFeed<T, Output>) throws -> [Output] {
        feed.pump()
        let latch = Latch()
        feed.whenReady { latch.open() }
        latch.wait()
        return try feed.takeAll()
    }

    @usableFromInline
    func feed<T: PoolTask>(
        _ tasks: sending TaskSource<T>, _ chunkSize: ChunkSize, _ order: FeedOrder, _ options: TaskOptions?
    ) -> ResultFeed<T, T.Output> {
        ResultFeed(tasks, chunkSize, order, options, dispatcher, .synchronous(isSameBuild: dispatcher.isSameBuild))
    }

    @usableFromInline
    func feed<T: AsyncPoolTask>(
        _ tasks: sending TaskSource<T>, _ chunkSize: ChunkSize, _ order: FeedOrder, _ options: TaskOptions?
    ) -> ResultFeed<T, T.Output> {
        ResultFeed(tasks, chunkSize, order, options, dispatcher, .async(isSameBuild: dispatcher.isSameBuild))
    }
}
