import ForkServer
import Reactor
import Syscalls

extension Dispatcher {
    /// A task that so many workers were given and did not begin before they died is given up.
    static let mostDeliveries = 8

    // MARK: Starting

    /// Starts what is missing, on a thread that may block; after a pause when workers die one after the other.
    func startMissingWorkers(afterPause: Bool = false) {
        let (numbers, pause): ([Int], Duration) = state.withLock { state in
            if afterPause { state.awaitsStart = false }
            guard state.needsWorkers, !state.awaitsStart, !state.restarts.hasGivenUp() else { return ([], .zero) }
            let missing = (0..<state.size).filter { state.workers[$0] == nil && !state.starting.contains($0) }
            guard !missing.isEmpty else { return ([], .zero) }
            let pause = afterPause ? .zero : state.restarts.pause
            if pause > .zero { state.awaitsStart = true } else { state.starting.formUnion(missing) }
            return (missing, pause)
        }
        guard !numbers.isEmpty else { return }
        if pause > .zero {
            return reactor.schedule { [self] in
                $0.addTimer(after: pause) { [self] in startMissingWorkers(afterPause: true) }
            }
        }
        do throws(Errno) {
            try Thread(name: "pool starter") { [self] in for number in numbers { startWorker(number) } }.detach()
        } catch {
            for number in numbers { workerDidNotStart(number, .system(error)) }
        }
    }

    private func startWorker(_ number: Int) {
        do throws(ForkServerError) {
            let worker = try Worker(number, on: server, options)
            let (isWanted, sendings, waiters): (Bool, [Sending], [@Sendable () -> Void]) = state.withLock { state in
                state.starting.remove(number)
                state.workers[number] = worker
                state.counters.workers += 1
                state.books.seat(number, worker.page, quota: options.tasksPerWorker ?? .max)
                let waiters = state.seatWaiters.removeValue(forKey: number) ?? []
                guard state.phase != .terminated else { return (false, [], waiters) }
                // It may have become too many meanwhile.
                if number >= state.size { _ = state.books.retire(number) }
                return (true, next(for: number, in: &state), waiters)
            }
            observers.tell(.workerStarted(number: number, worker.child.processID))
            reactor.schedule { [self] reactor in
                worker.watchEnd(in: reactor) { [self, unowned reactor] in workerEnded(worker, $0, in: reactor) }
            }
            if !isWanted { worker.kill() }
            send(sendings)
            for waiter in waiters { waiter() }
            endIfDrained()
        } catch {
            workerDidNotStart(number, error)
        }
    }

    private func workerDidNotStart(_ number: Int, _ error: ForkServerError) {
        observers.tell(.workerNotStarted(number: number, error))
        let (hopeless, goesOn): ([Job], Bool) = state.withLock { state in
            state.starting.remove(number)
            // What the server died of, or a shortage, may be over by the next time.
            if state.restarts.noteFailure() {
                state.failure = .cannotStartWorkers(error)
            } else if error.mayPass {
                return ([], true)
            }
            // With no worker left nobody would ever take the tasks that wait. The next task tries again.
            return (state.workers.isEmpty && state.starting.isEmpty ? state.takeWaiting() : [], false)
        }
        for job in hopeless { fail(job, .cannotStartWorkers(error)) }
        if goesOn { startMissingWorkers() }
        endIfDrained()
    }

    // MARK: Ending

    private func workerEnded(_ worker: Worker, _ status: ExitStatus, in reactor: Reactor) {
        let number = worker.number
        let wasToEnd = state.withLock { state in
            let wasToEnd = state.books.seat(number)?.isRetiring ?? true
            // It gets no further task.
            _ = state.books.retire(number)
            return wasToEnd
        }
        // What it had answered before it died counts.
        settle(worker.receive().answers, of: worker, goesOn: false)
        worker.disconnect(in: reactor)
        let outcome = state.withLock { state in strikeOut(worker, status, wasToEnd: wasToEnd, in: &state) }
        if let death = outcome.death {
            observers.tell(.workerDied(number: number, death))
        } else {
            observers.tell(.workerEnded(number: number, worker.child.processID))
        }
        for job in outcome.retried {
            observers.tell(.taskRetried(job.id, type: job.typeName, outcome.death ?? outcome.lastDeath))
        }
        for (job, error) in outcome.failed { fail(job, error) }
        send(outcome.sendings)
        startMissingWorkers()
        endIfDrained()
    }

    private struct Outcome {
        var death: WorkerDeath?
        let lastDeath: WorkerDeath
        var retried: [Job] = []
        var failed: [(Job, PoolError)] = []
        var sendings: [Sending] = []
    }

    /// Takes a worker off the books that has ended, and decides on each of the tasks that it had.
    private func strikeOut(
        _ worker: Worker, _ status: ExitStatus, wasToEnd: Bool, in state: inout State
    ) -> Outcome {
        let number = worker.number
        let done = state.books.seat(number)?.done ?? 0
        // Its one task is the affair of the thread that has leased it.
        let isLeased = state.books.seat(number)?.isLeased ?? false
        let deliveries = state.books.unseat(number)
        let sentence = state.sentences.removeValue(forKey: number)
        state.limitChecks[number] = nil
        state.workers[number] = nil
        state.counters.workers -= 1
        let begun = deliveries.first { worker.page.hasClaimed($0.job.id, in: $0.slot) }
        let standardError = worker.standardError
        let death = WorkerDeath(
            processID: worker.child.processID, status: status, task: begun?.job.typeName,
            attempts: (begun?.job.attempts ?? -1) + 1, standardError: standardError)
        var outcome = Outcome(lastDeath: death)
        if !wasToEnd { outcome.death = death }
        if state.phase == .open { state.counters.restarts += 1 }
        for delivery in isLeased ? [] : deliveries.reversed() where !delivery.job.isComplete {
            let job = delivery.job
            job.place = .nowhere
            if state.phase == .terminated {
                outcome.failed.append((job, .closed))
            } else if worker.page.hasClaimed(job.id, in: delivery.slot) {
                job.attempts += 1
                if job.attempts <= job.options.retries {
                    outcome.retried.append(job)
                    state.books.putBack(job)
                } else {
                    let sentenced = sentence?.task == job.id ? sentence?.error : nil
                    let error = sentenced ?? .workerDied(death)
                    if job.lose(until: worker.page.element, error, death) {
                        state.books.putBack(job)
                    } else {
                        outcome.failed.append((job, error))
                    }
                }
            } else if job.deliveries > Self.mostDeliveries {
                outcome.failed.append((job, .workerDied(death)))
            } else {
                state.books.putBack(job)
            }
        }
        if !wasToEnd, done == 0, begun == nil, !isLeased, sentence == nil {
            if worker.page.wasReady {
                state.restarts.noteIdleDeath()
            } else if state.restarts.noteFailure() {
                state.failure = .workersKeepDying(count: state.restarts.limit.count, last: death)
            }
        }
        if let failure = state.failure, state.workers.isEmpty, state.starting.isEmpty, state.restarts.hasGivenUp() {
            outcome.failed += state.takeWaiting().map { ($0, failure) }
        }
        state.counters.retried += outcome.retried.count
        state.counters.failed += outcome.failed.count
        outcome.sendings = dispatchWaiting(in: &state)
        return outcome
    }

    // MARK: Number

    /// Changes how many workers there are.
    func resize(to size: Int) {
        let surplus: [Worker] = state.withLock { state in
            state.size = size
            return state.workers.all.filter { $0.number >= size && state.books.retire($0.number) }
        }
        let sendings = state.withLock { dispatchWaiting(in: &$0) }
        send(sendings)
        reactor.schedule { reactor in for worker in surplus { worker.disconnect(in: reactor) } }
        startMissingWorkers()
    }

    /// Has a worker end after what it runs. Calls back when another is in its place, or none is to be.
    func replace(_ worker: Worker, _ replaced: @escaping @Sendable () -> Void) {
        let number = worker.number
        let (isThere, isFree, sendings): (Bool, Bool, [Sending]) = state.withLock { state in
            guard state.workers[number] === worker, state.phase == .open, number < state.size else {
                return (false, false, [])
            }
            state.seatWaiters[number, default: []].append(replaced)
            let isFree = state.books.retire(number)
            return (true, isFree, dispatchWaiting(in: &state))
        }
        send(sendings)
        guard isThere else { return replaced() }
        if isFree { reactor.schedule { worker.disconnect(in: $0) } }
    }
}

extension Dispatcher.State {
    /// Whether workers that are missing are to be started.
    var needsWorkers: Bool {
        switch phase {
        case .open: true
        case .draining: books.queue.count > 0
        case .terminated: false
        }
    }

    /// Gives up all tasks that no worker has.
    mutating func takeWaiting() -> [Job] {
        let jobs = books.queue.removeAll() + parked.map(\.job)
        let waiters = parked.compactMap(\.admitted)
        parked = []
        for job in jobs { job.place = .nowhere }
        for waiter in waiters { waiter() }
        return jobs
    }
}

extension ForkServerError {
    /// Whether the next attempt may do better.
    fileprivate var mayPass: Bool {
        switch self {
        case .serverDied, .forkFailed, .childEndedAtStart, .timedOut, .connection, .system, .tracker: true
        default: false
        }
    }
}
