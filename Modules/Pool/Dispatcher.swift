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
    private let lastTaskID = Atomic<UInt64>(0)
    /// Opened when the last worker of a pool that was closed has ended.
    let ended = Latch()

    struct State {
        var books = PoolBooks()
        var phase = Phase.open
        /// Whether the reactor's thread was told to end.
        var hasStopped = false
        /// How many workers there shall be.
        var size: Int
        var workers: [Int: Worker] = [:]
        /// The numbers of those that are being started.
        var starting: Set<Int> = []
        var restarts: RestartPolicy
        /// Whether there is a timer that starts the missing ones.
        var awaitsStart = false
        /// Why the pool has given up, while it has.
        var failure: PoolError?
        /// Tasks for which there was no room in the queue, and who waits for that.
        var parked: [(job: Job, admitted: (@Sendable () -> Void)?)] = []
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
        state = Lock(State(size: workers, restarts: RestartPolicy(options.restartLimit)))
        reactor = try ReactorThread(name: "pool")
        observers = Observers(reactor, options.onEvent)
        SegmentStore.shared.beginUse()
        startMissingWorkers()
    }

    /// Tasks to be sent, once the lock is no longer held.
    typealias Sending = (worker: Worker, deliveries: [PoolBooks.Delivery])

    // MARK: Submission

    func makeJob(_ task: EncodedValue, of type: Any.Type, _ options: TaskOptions?) -> Job {
        let id = lastTaskID.wrappingAdd(1, ordering: .relaxed).newValue
        return Job(id: id, task, type: type, options: options ?? self.options.taskOptions)
    }

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
            let refused = worker.send(deliveries, reactor: reactor) { [self] in received($0, from: worker) }
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
        case .send(let deliveries): return [(worker, deliveries)]
        case .busy, .idle: return []
        case .retired:
            reactor.schedule { worker.disconnect(in: $0) }
            return []
        }
    }

    /// Gives tasks that wait to workers that are idle.
    func dispatchWaiting(in state: inout State) -> [Sending] {
        var sendings: [Sending] = []
        while !state.books.idle.isEmpty, let job = state.books.queue.popFirst() {
            let (number, delivery) = state.books.deliverToIdle(job)!
            sendings.append((state.workers[number]!, [delivery]))
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

    // MARK: Replies

    /// Takes in what a worker says, on the reactor's thread.
    private func received(_ answers: [WorkerAnswer], from worker: Worker) {
        settle(answers, of: worker, goesOn: true)
    }

    /// Completes the tasks that were answered.
    ///
    /// - Parameter goesOn: Whether the worker is to get more.
    func settle(_ answers: [WorkerAnswer], of worker: Worker, goesOn: Bool) {
        var answered: [(Job, WorkerAnswer)] = []
        var isLying = false
        var isEnding = false
        let sendings: [Sending] = state.withLock { state in
            isEnding = state.phase != .open
            for answer in answers {
                if answer.isProgress {
                    if let job = state.books.job(answer.task, of: worker.number) { answered.append((job, answer)) }
                } else if let job = note(answer, of: worker, in: &state) {
                    answered.append((job, answer))
                } else {
                    isLying = true
                }
            }
            return goesOn ? next(for: worker.number, in: &state) : []
        }
        // It answers what it was not asked: nothing that it says can be believed.
        if isLying { worker.kill() }
        // The workers first: what is told to waiters may take them long.
        send(sendings)
        for (job, answer) in answered {
            if answer.isProgress { job.report(answer.value) } else { complete(job, answer.reply) }
        }
        if isEnding { endIfDrained() }
    }

    /// Writes an answer into the books. Returns `nil` when the worker was not asked.
    func note(_ answer: WorkerAnswer, of worker: Worker, in state: inout State) -> Job? {
        guard state.workers[worker.number] === worker,
            let job = state.books.finish(answer.task, by: worker.number, after: answer.header.nanoseconds)
        else { return nil }
        state.restarts.noteSuccess()
        if answer.header.flags.contains(.isOverMemoryLimit) { _ = state.books.retire(worker.number) }
        if !job.isComplete {
            if answer.header.kind == .output { state.counters.done += 1 } else { state.counters.failed += 1 }
            state.latencies.add(.now - job.submitted)
        }
        return job
    }

    func complete(_ job: Job, _ reply: Reply) {
        guard job.complete(.success(reply)), observers.isWanted else { return }
        if reply.isOutput {
            observers.tell(.taskDone(job.id, type: job.typeName, after: .now - job.submitted))
        } else {
            observers.tell(.taskFailed(job.id, type: job.typeName, reply.failure(of: job.typeName)))
        }
    }

    func fail(_ job: Job, _ error: PoolError) {
        guard job.complete(.failure(error)), observers.isWanted else { return }
        observers.tell(.taskFailed(job.id, type: job.typeName, error))
    }
}
