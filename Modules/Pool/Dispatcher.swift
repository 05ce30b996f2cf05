import ForkServer
import Framing
import Reactor
import Synchronization
import Syscalls

/// What a pool does: brings tasks to workers and replies back.
///
/// A task goes to an idle worker at once, on the thread that submits it; otherwise it waits in the queue until a worker is
/// done. Replies, ends and replacements of workers are handled on the reactor's thread. Nothing here waits, and what is sent to
/// workers and told to waiters is so outside the lock.
final class Dispatcher: Sendable {
    let server: ForkServer
    let options: Pool.Options
    let reactor: ReactorThread
    let observers: Observers
    let state: Lock<State>
    /// Whether workers run this executable, and understand its memory.
    let isSameBuild: Bool
    private let lastTaskID = Atomic<UInt64>(0)
    /// How many tasks of a type were worth a message when such were last mapped.
    private let chunkSizes = Lock<[ObjectIdentifier: Int]>([:])
    /// Opened when the last worker of a pool that was closed has ended.
    let ended = Latch()

    struct State {
        var books = PoolBooks()
        var phase = Phase.open
        /// Whether the reactor's thread was told to end.
        var hasStopped = false
        /// How many workers there shall be.
        var size: Int
        var workers = WorkerTable()
        /// The numbers of those that are being started.
        var starting: Set<Int> = []
        var restarts: RestartPolicy
        /// Whether there is a timer that starts the missing ones.
        var awaitsStart = false
        /// Why the pool has given up, while it has.
        var failure: PoolError?
        /// Tasks for which there was no room in the queue, and who waits for that.
        var parked: [(job: Job, admitted: (@Sendable () -> Void)?)] = []
        /// Whether answers that workers hold back are looked for.
        var isCollecting = false
        /// When the next look at a worker's time limits is due.
        var limitChecks: [Int: Deadline] = [:]
        /// Workers that were killed for a task, and why.
        var sentences: [Int: (task: UInt64, error: PoolError?)] = [:]
        var counters = PoolStatistics()
        var latencies = LatencyHistogram()
        /// Called when there is a worker with this number, or the pool ends.
        var seatWaiters: [Int: [@Sendable () -> Void]] = [:]
    }

    /// How far a pool is on its way to its end.
    enum Phase {
        case open
        /// Takes no more tasks, and ends when those it has are done.
        case draining
        case terminated
    }

    init(server: ForkServer, workers: Int, _ options: Pool.Options) throws(Errno) {
        self.server = server
        self.options = options
        isSameBuild = server.runsThisExecutable
        state = Lock(State(size: workers, restarts: RestartPolicy(options.restartLimit)))
        reactor = try ReactorThread(name: "pool")
        observers = Observers(reactor, options.onEvent)
        SegmentStore.shared.beginUse()
        startMissingWorkers()
    }

    /// Tasks to be sent, once the lock is no longer held.
    typealias Sending = (worker: Worker, deliveries: [PoolBooks.Delivery])

    // MARK: Submission

    func makeJob<T: Codable & Sendable>(_ task: T, _ options: TaskOptions?) throws(PoolError) -> Job {
        Job(
            id: takeIDs(1), try TaskCoder.encode(task: task, isSameBuild: isSameBuild), type: T.self,
            options: options ?? self.options.taskOptions)
    }

    /// The first of so many numbers for tasks.
    func takeIDs(_ count: Int) -> UInt64 {
        lastTaskID.wrappingAdd(UInt64(count), ordering: .relaxed).oldValue + 1
    }

    func knownChunkSize(of type: Any.Type) -> Int? { chunkSizes.withLock { $0[ObjectIdentifier(type)] } }

    func noteChunkSize(_ size: Int, of type: Any.Type) { chunkSizes.withLock { $0[ObjectIdentifier(type)] = size } }

    /// Takes a task, unless it returns why not.
    ///
    /// - Parameter admitted: Called once it waits in the queue, or is under way; at once where there is room.
    func submit(_ job: Job, admitted: (@Sendable () -> Void)? = nil) -> PoolError? {
        enum Decision {
            case send(Sending)
            case queued(mustStart: Bool)
            case parked
            case refused(PoolError)
        }
        let decision: Decision = state.withLock { state in
            if let refusal = refusal(in: &state) { return .refused(refusal) }
            // Cancelled before it came here.
            if job.isComplete { return .queued(mustStart: false) }
            // Before anything else is told of it.
            if observers.isWanted { observers.tell(.taskSubmitted(job.id, type: job.typeName)) }
            if let (number, delivery) = state.books.deliverToIdle(job) {
                return .send((state.workers[number]!, [delivery]))
            }
            guard state.books.queue.count < options.queueLimit else {
                if options.whenFull == .refuse { return .refused(.queueFull(limit: options.queueLimit)) }
                state.parked.append((job, admitted))
                return .parked
            }
            state.books.enqueue(job)
            return .queued(mustStart: state.workers.count + state.starting.count < state.size)
        }
        switch decision {
        case .send(let sending): send([sending])
        case .queued(let mustStart): if mustStart { startMissingWorkers() }
        case .parked: return nil
        case .refused(let error): return error
        }
        admitted?()
        return nil
    }

    /// Takes many tasks at once; returns those that it does not take, and why not.
    func submit(_ jobs: [Job]) -> (rest: ArraySlice<Job>, error: PoolError)? {
        var accepted = 0
        let (error, sendings, mustStart): (PoolError?, [Sending], Bool) = state.withLock { state in
            if let refusal = refusal(in: &state) { return (refusal, [], false) }
            var sendings: [Sending] = []
            var error: PoolError?
            for job in jobs {
                if state.books.queue.count >= options.queueLimit { sendings += dispatchWaiting(in: &state) }
                let isFull = state.books.queue.count >= options.queueLimit
                if isFull, options.whenFull == .refuse {
                    error = .queueFull(limit: options.queueLimit)
                    break
                }
                accepted += 1
                // Cancelled before it came here.
                if job.isComplete { continue }
                if observers.isWanted { observers.tell(.taskSubmitted(job.id, type: job.typeName)) }
                if isFull { state.parked.append((job, nil)) } else { state.books.enqueue(job) }
            }
            sendings += dispatchWaiting(in: &state)
            return (error, sendings, state.workers.count + state.starting.count < state.size)
        }
        send(sendings)
        if mustStart { startMissingWorkers() }
        return error.map { (jobs[accepted...], $0) }
    }

    private func refusal(in state: inout State) -> PoolError? {
        guard state.phase == .open else { return .closed }
        guard state.failure != nil else { return nil }
        if state.restarts.hasGivenUp() { return state.failure }
        state.failure = nil
        return nil
    }

    /// Gives a task up: one that no worker has begun is forgotten, of one that runs the result will be.
    func cancel(_ job: Job) {
        // In this order: whoever is just submitting it sees that, or it is somewhere by now.
        let wasFirst = job.complete(.failure(CancellationError()))
        var admitted: (@Sendable () -> Void)?
        let (running, sendings): (Worker?, [Sending]) = state.withLock { state in
            if wasFirst { state.counters.cancelled += 1 }
            switch job.place {
            case .nowhere:
                if let index = state.parked.firstIndex(where: { $0.job === job }) {
                    admitted = state.parked.remove(at: index).admitted
                }
            case .waiting:
                state.books.queue.remove(job)
                job.place = .nowhere
                admitParked(in: &state)
            case .worker(let number):
                guard state.books.withdraw(job, from: number) else { return (state.workers[number], []) }
                return (nil, next(for: number, in: &state))
            }
            return (nil, [])
        }
        send(sendings)
        admitted?()
        guard let running else { return endIfDrained() }
        running.sendCancel(job.id, reactor: reactor)
        if let grace = job.options.killAfterCancellation { killAfterCancellation(job, of: running, grace) }
    }

    // MARK: Sending

    func send(_ sendings: [Sending]) {
        for (worker, deliveries) in sendings {
            watchLimits(of: worker, deliveries)
            let refused = worker.send(deliveries, for: self)
            for (delivery, error) in refused {
                let more = state.withLock { state in
                    _ = state.books.withdraw(delivery.job, from: worker.number)
                    state.counters.failed += 1
                    return next(for: worker.number, in: &state)
                }
                fail(delivery.job, .connection(error))
                send(more)
            }
        }
    }

    /// What a worker is to do next, and others with it.
    func next(for number: Int, in state: inout State) -> [Sending] {
        guard let worker = state.workers[number] else { return [] }
        defer { admitParked(in: &state) }
        switch state.books.next(for: number) {
        case .send(let deliveries):
            startCollecting(in: &state, number)
            return [(worker, deliveries)]
        case .busy, .idle: return []
        case .retired:
            reactor.schedule { worker.disconnect(in: $0) }
            return []
        }
    }

    /// Gives tasks that wait to workers that are idle.
    func dispatchWaiting(in state: inout State) -> [Sending] {
        var sendings: [Sending] = []
        while state.books.queue.count > 0, let number = state.books.idle.last {
            // Each of them is to get its share.
            let share = (state.books.queue.count + state.books.idle.count - 1) / state.books.idle.count
            if case .send(let deliveries) = state.books.next(for: number, atMost: share) {
                startCollecting(in: &state, number)
                sendings.append((state.workers[number]!, deliveries))
            }
        }
        admitParked(in: &state)
        return sendings
    }

    /// Lets in those who wait for room in the queue.
    func admitParked(in state: inout State) {
        while !state.parked.isEmpty, state.books.queue.count < options.queueLimit {
            let (job, admitted) = state.parked.removeFirst()
            state.books.enqueue(job)
            if let admitted { reactor.schedule { _ in admitted() } }
        }
    }
}
