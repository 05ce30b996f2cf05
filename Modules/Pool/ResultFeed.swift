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

    let dispatcher: Dispatcher
    private let shape: TaskShape<T>
    private let options: TaskOptions
    let order: FeedOrder
    let state: Lock<State>

    struct State {
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
        /// Results, of one or several messages each, until all of them were taken.
        var arrivals: [TaskOutcomes<Output>?] = []
        /// How many of the messages of each were not taken; the number of the first that is still here.
        var untaken: [Int] = []
        var firstArrival = 0
        /// Messages that have ended, in the order in which they did, when that is the order in which they are taken.
        var ended: [Int] = []
        var nextEnded = 0
        /// The results that are being taken.
        var current: (message: MessageWindow.Message, outcomes: TaskOutcomes<Output>, next: Int)?
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
        self.options = options ?? dispatcher.options.taskOptions
        self.order = order
        let left = source.underestimatedCount
        // A task that is killed takes along those that go with it.
        let isAlone = chunkSize == .automatic && self.options.timeLimit != nil
        let sizing = ChunkSizing(isAlone ? .fixed(1) : chunkSize, known: dispatcher.knownChunkSize(of: T.self))
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
        for (place, message) in messages.enumerated() {
            switch message {
            case .success(let encoded):
                jobs.append(
                    Job(
                        id: firstID + UInt64(place), encoded, type: T.self, options: options, submitted: now,
                        group: self, sequence: batch.number + place,
                        count: batch.isOneMessage ? batch.tasks.count : 1))
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
        for (number, error) in refused { note([number], TaskOutcomes(failing: count(of: number), error), nil) }
    }

    func count(of message: Int) -> Int { state.withLock { $0.messages[message].count } }

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

    // MARK: Taking

    func wakeIfReady() {
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
            let (message, outcomes, next) = state.current!
            let taken = (message.first + next, outcomes[message.results!.place + next])
            state.current!.next += 1
            guard next + 1 == message.count else { return (taken, false) }
            state.outstanding -= message.count
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
            for (arrival, places) in state.messages.resultsInOrder {
                try state.arrivals[arrival]?.append(places, to: &all)
            }
            return all
        }
    }
}

extension ResultFeed.State {
    /// The message whose results come next, if they are there.
    fileprivate func nextReady(_ order: FeedOrder) -> Int? {
        if order == .completion { return nextEnded < ended.count ? ended[nextEnded] : nil }
        return nextToTake < messages.end && messages.hasEnded(nextToTake) ? nextToTake : nil
    }

    /// Has the results of a message be taken next.
    fileprivate mutating func take(_ number: Int, _ order: FeedOrder) {
        let message = messages[number]
        let arrival = message.results!.arrival - firstArrival
        current = (message, arrivals[arrival]!, 0)
        untaken[arrival] -= 1
        if untaken[arrival] == 0 { arrivals[arrival] = nil }
        if order == .completion { nextEnded += 1 } else { nextToTake += 1 }
        forgetTaken()
    }

    /// Lets go of what was taken, now and then.
    private mutating func forgetTaken() {
        let mostTaken = 256
        while firstKept < messages.end, let arrival = messages[firstKept].results?.arrival,
            arrival < firstArrival || untaken[arrival - firstArrival] == 0
        {
            firstKept += 1
        }
        if firstKept - messages.start > mostTaken { messages.dropAll(before: firstKept) }
        if let first = untaken.firstIndex(where: { $0 > 0 }), first > mostTaken {
            arrivals.removeFirst(first)
            untaken.removeFirst(first)
            firstArrival += first
        }
        if nextEnded > mostTaken {
            ended.removeFirst(nextEnded)
            nextEnded = 0
        }
    }
}
