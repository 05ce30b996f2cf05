import Syscalls

/// Tasks that are fed to a pool a few at a time, and their results on the way to whoever takes them.
///
/// What is under way and what was not taken yet is bounded, however many tasks there are and however slowly the results are taken.
final class ResultFeed<Source: Sequence & Sendable, Output: Codable & Sendable>: Sendable
where Source.Element: Codable & Sendable {
    typealias Outcome = Result<Output, any Error>

    /// How tasks of this kind become messages.
    struct Encoding: Sendable {
        let one: @Sendable (Source.Element) throws(PoolError) -> EncodedValue
        let many: @Sendable ([Source.Element]) throws(PoolError) -> EncodedValue
    }

    /// In which order results are taken.
    enum Order {
        case submission
        case completion
        /// When the last is there; nobody waits for the others.
        case together
    }

    private let dispatcher: Dispatcher
    private let encoding: Encoding
    private let options: TaskOptions?
    private let order: Order
    private let state: Lock<State>

    private struct State {
        var iterator: Source.Iterator
        var sizing: ChunkSizing
        /// How many tasks there are at least that were not submitted.
        var left: Int
        var nextIndex = 0
        var hasEnded = false
        var isCancelled = false
        /// Tasks that were submitted, and whose results nobody has taken yet.
        var outstanding = 0
        /// Messages under way, by the place of their first task.
        var jobs: [Int: Job?] = [:]
        /// Results that came, by the place of the first.
        var ready: [Int: TaskOutcomes<Output>] = [:]
        /// In the order in which they came.
        var arrivals: [Int] = []
        /// The results that are being taken.
        var current: (first: Int, outcomes: TaskOutcomes<Output>, next: Int)?
        var nextToTake = 0
        var failure: MapFailure?
        var waiter: (@Sendable () -> Void)?
    }

    init(
        _ source: Source, _ chunkSize: ChunkSize, _ order: Order, _ options: TaskOptions?, _ dispatcher: Dispatcher,
        _ encoding: Encoding
    ) {
        self.dispatcher = dispatcher
        self.encoding = encoding
        self.options = options
        self.order = order
        state = Lock(
            State(
                iterator: source.makeIterator(), sizing: ChunkSizing(chunkSize), left: source.underestimatedCount))
    }

    // MARK: Feeding

    /// Submits what may be under way.
    func pump() {
        let workers = dispatcher.state.withLock { $0.size }
        while let (first, tasks) = nextChunk(workers) {
            do throws(PoolError) {
                let job = dispatcher.makeJob(
                    try tasks.count == 1 ? encoding.one(tasks[0]) : encoding.many(tasks), of: Source.Element.self,
                    options)
                let isCancelled = state.withLock { state in
                    state.jobs[first] = job
                    return state.isCancelled
                }
                job.whenComplete { [self] in finished(first, tasks.count, $0) }
                if isCancelled { dispatcher.cancel(job) } else if let refusal = dispatcher.submit(job) { throw refusal }
            } catch {
                note(first, tasks.count, TaskOutcomes(failing: tasks.count, error), nil)
            }
        }
        wakeIfReady()
    }

    private func nextChunk(_ workers: Int) -> (Int, [Source.Element])? {
        state.withLock { state in
            let size = state.sizing.next(left: state.left, workers: workers)
            guard !state.hasEnded, state.failure == nil, state.outstanding < workers * max(64, 4 * size) else {
                return nil
            }
            var tasks: [Source.Element] = []
            while tasks.count < size, let task = state.iterator.next() { tasks.append(task) }
            if tasks.count < size { state.hasEnded = true }
            guard !tasks.isEmpty else { return nil }
            let first = state.nextIndex
            state.nextIndex += tasks.count
            state.left = max(0, state.left - tasks.count)
            state.outstanding += tasks.count
            state.jobs[first] = .some(nil)
            return (first, tasks)
        }
    }

    private func finished(_ first: Int, _ count: Int, _ result: Result<Reply, any Error>) {
        var duration: Duration?
        let outcomes: TaskOutcomes<Output>
        do {
            let reply = try result.get()
            duration = reply.duration
            outcomes =
                try count == 1
                ? .outputs([reply.output(Output.self, of: taskName)]) : self.outcomes(reply, count)
        } catch {
            outcomes = TaskOutcomes(failing: count, error)
        }
        note(first, count, outcomes, duration)
        // Without a taker nobody else would.
        if order == .together { pump() } else { wakeIfReady() }
    }

    private func outcomes(_ reply: Reply, _ count: Int) throws -> TaskOutcomes<Output> {
        let outcomes = try reply.output(ChunkOutcomes<Output>.self, of: taskName)
        guard let results = outcomes.inOrder(count, error: { $0.error(of: taskName, in: reply.worker) }) else {
            throw PoolError.coding("other results than for \(count) tasks")
        }
        return results
    }

    private var taskName: String { String(reflecting: Source.Element.self) }

    private func note(_ first: Int, _ count: Int, _ outcomes: TaskOutcomes<Output>, _ duration: Duration?) {
        state.withLock { state in
            guard state.jobs.removeValue(forKey: first) != nil else { return }
            state.ready[first] = outcomes
            if let duration { state.sizing.note(count, duration) }
            if order == .completion { state.arrivals.append(first) }
            guard order == .together else { return }
            state.outstanding -= count
            if let (place, error) = outcomes.firstFailure, first + place < state.failure?.index ?? .max {
                state.failure = MapFailure(index: first + place, error: error)
            }
        }
    }

    /// Gives up what has not ended, and everything after it.
    func cancel() {
        let jobs: [Job] = state.withLock { state in
            state.hasEnded = true
            state.isCancelled = true
            return state.jobs.values.compactMap(\.self)
        }
        for job in jobs { dispatcher.cancel(job) }
        wakeIfReady()
    }

    // MARK: Taking

    private func wakeIfReady() {
        let waiter: (@Sendable () -> Void)? = state.withLock { state in
            isReady(&state) ? state.waiter.take() : nil
        }
        waiter?()
    }

    /// Calls back when `take` has something to say.
    func whenReady(_ waiter: @escaping @Sendable () -> Void) {
        let isNow = state.withLock { state in
            if isReady(&state) { return true }
            precondition(state.waiter == nil, "the results are being taken by somebody else already")
            state.waiter = waiter
            return false
        }
        if isNow { waiter() }
    }

    private func isReady(_ state: inout State) -> Bool {
        if order == .together { return state.jobs.isEmpty && (state.hasEnded || state.failure != nil) }
        if state.current != nil { return true }
        let next = order == .submission ? state.nextToTake : state.arrivals.first
        if let next, state.ready[next] != nil { return true }
        return state.hasEnded && state.outstanding == 0
    }

    /// The next result that is ready.
    func take() -> (index: Int, outcome: Outcome)? {
        let (taken, isChunkDone): ((Int, Outcome)?, Bool) = state.withLock { state in
            if state.current == nil {
                let next: Int? =
                    order == .submission
                    ? state.nextToTake : state.arrivals.isEmpty ? nil : state.arrivals.removeFirst()
                guard let next, let outcomes = state.ready.removeValue(forKey: next) else { return (nil, false) }
                state.current = (next, outcomes, 0)
                state.nextToTake = next + outcomes.count
            }
            let place = state.current!.next
            let taken = (state.current!.first + place, state.current!.outcomes[place])
            state.current!.next += 1
            guard state.current!.next == state.current!.outcomes.count else { return (taken, false) }
            state.outstanding -= state.current!.outcomes.count
            state.current = nil
            return (taken, true)
        }
        if isChunkDone { pump() }
        return taken
    }

    /// All results, in the order of their tasks, once they are there.
    ///
    /// - Throws: `MapFailure` of the first one that failed, or `CancellationError`.
    func takeAll() throws -> [Output] {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            var all: [Output] = []
            all.reserveCapacity(state.nextIndex)
            for first in state.ready.keys.sorted() { try state.ready[first]?.append(to: &all) }
            return all
        }
    }
}
