import Syscalls

/// In which order the results of a feed are taken.
@usableFromInline
enum FeedOrder: Sendable {
    case submission
    case completion
    /// When the last is there; nobody waits for the others.
    case together
}

/// Tasks that are fed to a pool a few at a time, and their results on the way to whoever takes them.
///
/// What is under way and what was not taken yet is bounded, however many tasks there are and however slowly the results are taken.
///
/// Its code is not specialized for the tasks' type. So it does whatever it can for many tasks at once, and keeps what is not of that
/// type apart, in a `MessageWindow`.
@usableFromInline
final class ResultFeed<T: Codable & Sendable, Output: Codable & Sendable>: Sendable {
    typealias Outcome = Result<Output, any Error>

    private let dispatcher: Dispatcher
    private let shape: TaskShape<T>
    private let options: TaskOptions?
    private let order: FeedOrder
    private let state: Lock<State>

    fileprivate struct State {
        let source: TaskSource<T>
        var sizing: ChunkSizing
        /// How many tasks there are at least that were not submitted.
        var left: Int
        var nextIndex = 0
        var hasEnded = false
        var isCancelled = false
        /// Tasks that were submitted, and whose results nobody has taken yet.
        var outstanding = 0
        var messages = MessageWindow()
        /// Results that came, by the numbers of their messages, as in `messages`.
        var ready: [TaskOutcomes<Output>?] = []
        /// Messages that have ended, in the order in which they did.
        var arrivals: [Int] = []
        var nextArrival = 0
        /// The results that are being taken.
        var current: (first: Int, outcomes: TaskOutcomes<Output>, next: Int)?
        /// The message after those whose results were taken.
        var nextToTake = 0
        /// The first message whose results were not taken.
        var firstKept = 0
        var failure: MapFailure?
        var waiter: (@Sendable () -> Void)?
    }

    init(
        _ source: sending TaskSource<T>, _ chunkSize: ChunkSize, _ order: FeedOrder, _ options: TaskOptions?,
        _ dispatcher: Dispatcher, _ shape: TaskShape<T>
    ) {
        self.dispatcher = dispatcher
        self.shape = shape
        self.options = options
        self.order = order
        let left = source.underestimatedCount
        let sizing = ChunkSizing(chunkSize, known: dispatcher.knownChunkSize(of: T.self))
        state = Lock(State(source: source, sizing: sizing, left: left))
    }

    // MARK: Feeding

    /// Tasks of one message, or many that have each a message of its own.
    private struct Batch {
        let tasks: [T]
        let isOneMessage: Bool
        /// The number of the first message.
        let number: Int
    }

    /// Submits what may be under way.
    func pump() {
        let workers = dispatcher.state.withLock { $0.size }
        while let batch = nextBatch(workers) { submit(batch) }
        wakeIfReady()
    }

    private func nextBatch(_ workers: Int) -> Batch? {
        state.withLock { state in
            guard !state.hasEnded, state.failure == nil else { return nil }
            let size = state.sizing.next(left: state.left, workers: workers)
            // As long as nobody knows how long tasks take, no more than are needed to find out.
            let most = state.sizing.isMeasured ? workers * max(64, 4 * size) : workers * 2
            let room = most - state.outstanding
            // Single ones not one by one.
            guard room > 0, size > 1 || room > most / 4 else { return nil }
            let isOneMessage = size > 1
            let wanted = isOneMessage ? size : room
            var tasks: [T] = []
            state.source.take(wanted, &tasks)
            if tasks.count < wanted { state.hasEnded = true }
            guard !tasks.isEmpty else { return nil }
            let number = state.messages.end
            for place in 0..<(isOneMessage ? 1 : tasks.count) {
                state.messages.append(first: state.nextIndex + place, count: isOneMessage ? tasks.count : 1)
                state.ready.append(nil)
            }
            state.nextIndex += tasks.count
            state.left = max(0, state.left - tasks.count)
            state.outstanding += tasks.count
            return Batch(tasks: tasks, isOneMessage: isOneMessage, number: number)
        }
    }

    private func submit(_ batch: Batch) {
        let messages = shape.encode(batch.tasks, inOneMessage: batch.isOneMessage)
        var jobs: [Job] = []
        jobs.reserveCapacity(messages.count)
        var refused: [(number: Int, error: PoolError)] = []
        let (firstID, now) = (dispatcher.takeIDs(messages.count), Deadline.now)
        let options = options ?? dispatcher.options.taskOptions
        for (place, message) in messages.enumerated() {
            switch message {
            case .success(let encoded):
                jobs.append(
                    Job(
                        id: firstID + UInt64(place), encoded, type: T.self, options: options, submitted: now,
                        group: self, sequence: batch.number + place))
            case .failure(let error): refused.append((batch.number + place, error))
            }
        }
        let isCancelled = state.withLock { state in
            for job in jobs { state.messages.begin(job.sequence, job) }
            return state.isCancelled
        }
        if isCancelled {
            for job in jobs { dispatcher.cancel(job) }
        } else if let (rest, error) = dispatcher.submit(jobs) {
            refused += rest.map { ($0.sequence, error) }
        }
        if !refused.isEmpty { note(refused.map { ($0.number, outcomes(failing: $0.number, $0.error), nil) }) }
    }

    /// Gives up what has not ended, and everything after it.
    func cancel() {
        let jobs: [Job] = state.withLock { state in
            state.hasEnded = true
            state.isCancelled = true
            return state.messages.jobs
        }
        for job in jobs { dispatcher.cancel(job) }
        wakeIfReady()
    }

    // MARK: Results

    private func outcomes(failing number: Int, _ error: any Error) -> TaskOutcomes<Output> {
        TaskOutcomes(failing: state.withLock { $0.messages[number].count }, error)
    }

    /// What the tasks of a message have come to.
    private func outcomes(_ job: Job, _ count: Int, _ result: Result<Reply, any Error>) -> TaskOutcomes<Output> {
        do {
            let reply = try result.get()
            if count == 1 { return .output(try reply.output(Output.self, of: job.typeName)) }
            let outcomes = try reply.output(ChunkOutcomes<Output>.self, of: job.typeName)
            guard let results = outcomes.inOrder(count, error: { $0.error(of: job.typeName, in: reply.worker) }) else {
                throw PoolError.coding("other results than for \(count) tasks")
            }
            return results
        } catch {
            return TaskOutcomes(failing: count, error)
        }
    }

    private func note(_ ended: [(number: Int, outcomes: TaskOutcomes<Output>, duration: Duration?)]) {
        let known: Int? = state.withLock { state in
            let before = state.sizing.known
            for (number, outcomes, duration) in ended {
                guard state.messages.finish(number) else { continue }
                let (first, count) = (state.messages[number].first, outcomes.count)
                state.ready[number - state.messages.start] = outcomes
                if let duration { state.sizing.note(count, duration) }
                if order == .completion { state.arrivals.append(number) }
                guard order == .together else { continue }
                state.outstanding -= count
                if let (place, error) = outcomes.firstFailure, first + place < state.failure?.index ?? .max {
                    state.failure = MapFailure(index: first + place, error: error)
                }
            }
            return state.sizing.known == before ? nil : state.sizing.known
        }
        if let known { dispatcher.noteChunkSize(known, of: T.self) }
    }

    // MARK: Taking

    private func wakeIfReady() {
        let waiter: (@Sendable () -> Void)? = state.withLock { state in
            state.waiter != nil && isReady(&state) ? state.waiter.take() : nil
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
        if order == .together { return state.messages.running == 0 && (state.hasEnded || state.failure != nil) }
        return state.current != nil || state.nextReady(order) != nil || state.hasEnded && state.outstanding == 0
    }

    /// The next result that is ready.
    func take() -> (index: Int, outcome: Outcome)? {
        let (taken, isMessageDone): ((Int, Outcome)?, Bool) = state.withLock { state in
            if state.current == nil {
                guard let number = state.nextReady(order) else { return (nil, false) }
                state.take(number, order)
            }
            let place = state.current!.next
            let taken = (state.current!.first + place, state.current!.outcomes[place])
            state.current!.next += 1
            guard state.current!.next == state.current!.outcomes.count else { return (taken, false) }
            state.outstanding -= state.current!.outcomes.count
            state.current = nil
            return (taken, true)
        }
        if isMessageDone { pump() }
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
            for outcomes in state.ready { try outcomes?.append(to: &all) }
            return all
        }
    }
}

extension ResultFeed: JobGroup {
    func ended(_ jobs: [(job: Job, result: Result<Reply, any Error>)]) {
        let counts: [Int] = state.withLock { state in jobs.map { state.messages[$0.job.sequence].count } }
        var ended: [(Int, TaskOutcomes<Output>, Duration?)] = []
        ended.reserveCapacity(jobs.count)
        // Outside the lock: decoding runs code of the outputs' type.
        for (place, (job, result)) in jobs.enumerated() {
            ended.append((job.sequence, outcomes(job, counts[place], result), (try? result.get())?.duration))
        }
        note(ended)
        // Without a taker nobody else would.
        if order == .together { pump() } else { wakeIfReady() }
    }
}

extension ResultFeed.State {
    /// The message whose results come next, if they are there.
    fileprivate func nextReady(_ order: FeedOrder) -> Int? {
        if order == .completion { return nextArrival < arrivals.count ? arrivals[nextArrival] : nil }
        return nextToTake < messages.end && messages[nextToTake].hasEnded ? nextToTake : nil
    }

    /// Has the results of a message be taken next.
    fileprivate mutating func take(_ number: Int, _ order: FeedOrder) {
        current = (messages[number].first, ready[number - messages.start].take()!, 0)
        if order == .completion { nextArrival += 1 } else { nextToTake += 1 }
        while firstKept < messages.end, messages[firstKept].hasEnded, ready[firstKept - messages.start] == nil {
            firstKept += 1
        }
        // What was taken is let go of now and then.
        if firstKept - messages.start > Self.mostTaken {
            ready.removeFirst(firstKept - messages.start)
            messages.dropAll(before: firstKept)
        }
        if nextArrival > Self.mostTaken {
            arrivals.removeFirst(nextArrival)
            nextArrival = 0
        }
    }

    private static var mostTaken: Int { 256 }
}
