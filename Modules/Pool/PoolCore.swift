import FDPassing
import ForkServer
import Framing
import Reactor
import Syscalls

/// What a pool does: brings tasks to workers and replies back, and replaces workers that die.
///
/// A task goes to an idle worker at once, on the thread that submits it; otherwise it waits in the queue until a worker is
/// done. Replies, ends and replacements of workers are handled on the reactor's thread.
final class PoolCore: Sendable {
    private let server: ForkServer
    private let reactor: ReactorThread
    private let workerCount: Int
    private let queueLimit: Int
    private let state = Lock(PoolBooks())
    /// Opened when the last worker of a pool that was closed has ended.
    let ended = Latch()

    /// When so many workers in a row have died before they could begin it, another would not do better by a task.
    private static let failuresToGiveUp = 8

    init(server: ForkServer, workers: Int, queueLimit: Int) throws(Errno) {
        self.server = server
        self.queueLimit = queueLimit
        workerCount = workers
        reactor = try ReactorThread(name: "pool")
        startMissingWorkers()
    }

    var waitingTaskCount: Int { state.withLock { $0.queue.count } }
    var runningTaskCount: Int { state.withLock { $0.running.count } }

    var processIDs: [ProcessID] { state.withLock { $0.workers.values.map(\.child.processID) } }

    // MARK: Tasks

    /// Takes a task, unless it returns why not.
    func submit(_ submission: Submission) -> PoolError? {
        enum Decision {
            case send(Worker)
            case queued(mustStart: Bool)
            case refused(PoolError)
        }
        let decision: Decision = state.withLock { state in
            guard state.phase == .open else { return .refused(.closed) }
            // Cancelled before it came here.
            if submission.isComplete { return .queued(mustStart: false) }
            if let worker = state.idle.popLast() {
                state.assign(submission, to: worker)
                return .send(worker)
            }
            guard state.queue.count < queueLimit else { return .refused(.queueFull(limit: queueLimit)) }
            state.queue.append(submission)
            return .queued(mustStart: state.workers.count + state.starting < workerCount)
        }
        switch decision {
        case .send(let worker): send(submission, to: worker)
        case .queued(let mustStart): if mustStart { startMissingWorkers() }
        case .refused(let error): return error
        }
        return nil
    }

    /// Gives a task up: one that waits is forgotten, of one that runs the result will be.
    func cancel(_ submission: Submission) {
        // In this order: whoever is just submitting it sees that, or it is in the queue by now.
        submission.complete(.failure(CancellationError()))
        state.withLock { $0.queue.remove(submission) }
    }

    /// Runs a task on an idle worker, with the calling thread waiting for its reply; `nil` when none is idle.
    func runOnIdleWorker(_ task: EncodedTask) throws(PoolError) -> Reply? {
        while let worker = try leaseIdleWorker() {
            do throws(FramingError) {
                // A worker that turns out to be dead is left to the reactor, which replaces it.
                guard let reply = try worker.runLeased(task) else { continue }
                taskEnded(on: worker)
                return reply
            } catch {
                // The reactor closes what is dead.
                guard error.isDisconnection || error == .closed else {
                    _ = try? worker.child.kill()
                    throw .connection(error)
                }
                let status = (try? worker.child.waitBlocking(until: .never)) ?? .unknown
                throw .workerDied(worker.child.processID, status)
            }
        }
        return nil
    }

    private func leaseIdleWorker() throws(PoolError) -> Worker? {
        let lease: Worker? = try state.withLock { state throws(PoolError) in
            guard state.phase == .open else { throw .closed }
            guard let worker = state.idle.popLast() else { return nil }
            state.running[ObjectIdentifier(worker)] = PoolBooks.Running(submission: nil)
            return worker
        }
        return lease
    }

    private func send(_ submission: Submission, to worker: Worker) {
        var next: Submission? = submission
        while let submission = next.take() {
            let outcome = worker.send(submission.task, reactor: reactor) { [self] reply in
                let done: Submission? = state.withLock { $0.running[ObjectIdentifier(worker)]?.submission }
                taskEnded(on: worker)
                done?.complete(.success(reply))
            }
            if case .workerIsDead = outcome {
                state.withLock { $0.running[ObjectIdentifier(worker)]?.wasSent = false }
            }
            let didWorkerEnd = worker.handover.exchange(.done, ordering: .acquiringAndReleasing) == .workerEnded
            if case .refused(let error) = outcome {
                next = nextTask(for: worker)
                submission.complete(.failure(PoolError.connection(error)))
                if next == nil { endIfDrained() }
            }
            if didWorkerEnd {
                settleTask(of: worker, worker.child.exitStatus ?? .unknown)
                endIfDrained()
            }
        }
    }

    /// The worker is free: it gets the next task, or becomes idle.
    private func taskEnded(on worker: Worker) {
        if let next = nextTask(for: worker) { send(next, to: worker) } else { endIfDrained() }
    }

    /// Notes that the worker is busy with the task that is returned, or idle.
    private func nextTask(for worker: Worker) -> Submission? {
        let id = ObjectIdentifier(worker)
        return state.withLock { state in
            state.failuresInARow = 0
            // It may have died since, and been taken off the books.
            guard state.workers[id] != nil, state.phase != .terminated else { return nil }
            guard let next = state.queue.popFirst() else {
                state.running[id] = nil
                state.idle.append(worker)
                return nil
            }
            state.assign(next, to: worker)
            return next
        }
    }

    /// Gives a task that no worker has seen to another, before all that wait.
    private func submitAgain(_ submission: Submission) {
        let idle: Worker? = state.withLock { state in
            guard let worker = state.idle.popLast() else {
                state.queue.prepend(submission)
                return nil
            }
            state.assign(submission, to: worker)
            return worker
        }
        if let idle { send(submission, to: idle) }
    }

    // MARK: Workers

    /// Starts what is missing, on a thread that may block.
    private func startMissingWorkers() {
        let (count, failures) = state.withLock { state in
            guard state.phase == .open else { return (0, 0) }
            let missing = max(0, workerCount - state.workers.count - state.starting)
            state.starting += missing
            return (missing, state.failuresInARow)
        }
        guard count > 0 else { return }
        do throws(Errno) {
            try Thread(name: "pool starter") { [self] in
                // Workers that die at once must not keep the machine busy with starting others.
                if failures > 2 { Deadline.after(.milliseconds(min(1000, 1 << min(failures, 10)))).sleep() }
                for _ in 0..<count { startWorker() }
            }.detach()
        } catch {
            for _ in 0..<count { workerDidNotStart(.system(error)) }
        }
    }

    private func startWorker() {
        do throws(ForkServerError) {
            let worker = try Worker(on: server)
            let id = ObjectIdentifier(worker)
            let isWanted = state.withLock { state in
                state.starting -= 1
                state.workers[id] = worker
                return state.phase != .terminated
            }
            reactor.schedule { [self] reactor in
                worker.watchEnd(in: reactor) { [self, unowned reactor] in workerEnded(worker, $0, in: reactor) }
            }
            if isWanted { becameIdle(worker) } else { _ = try? worker.child.kill() }
        } catch {
            workerDidNotStart(error)
        }
    }

    /// A new worker takes the first task that waits.
    private func becameIdle(_ worker: Worker) {
        let next: Submission? = state.withLock { state in
            let id = ObjectIdentifier(worker)
            guard state.workers[id] != nil else { return nil }
            guard let next = state.queue.popFirst() else {
                state.idle.append(worker)
                return nil
            }
            state.assign(next, to: worker)
            return next
        }
        if let next { send(next, to: worker) } else { endIfDrained() }
    }

    private func workerDidNotStart(_ error: ForkServerError) {
        // With no worker left nobody would ever take the tasks that wait. The next task tries again.
        let hopeless = state.withLock { state in
            state.starting -= 1
            state.failuresInARow += 1
            return state.workers.isEmpty && state.starting == 0 ? state.queue.removeAll() : []
        }
        for submission in hopeless { submission.complete(.failure(PoolError.cannotStartWorkers(error))) }
        endIfDrained()
    }

    private func workerEnded(_ worker: Worker, _ status: ExitStatus, in reactor: Reactor) {
        let id = ObjectIdentifier(worker)
        state.withLock { state in
            // Off the books first: it gets no further task.
            state.workers[id] = nil
            state.idle.removeAll { $0 === worker }
            state.failuresInARow += 1
        }
        // Whoever is just sending it a task will know whether it can have seen that.
        let isBeingSent = worker.handover.compareExchange(
            expected: .underWay, desired: .workerEnded, ordering: .acquiringAndReleasing
        ).exchanged
        // What it had answered before it died counts.
        _ = worker.receive { reply in
            let done: Submission? = state.withLock { $0.running[id]?.submission }
            done?.complete(.success(reply))
        }
        worker.disconnect(in: reactor)
        if !isBeingSent { settleTask(of: worker, status) }
        startMissingWorkers()
        startForDraining()
        endIfDrained()
    }

    /// What becomes of the task that a worker had when it ended. One that was answered is complete already.
    private func settleTask(of worker: Worker, _ status: ExitStatus) {
        let (lost, phase, failures) = state.withLock { state in
            (state.running.removeValue(forKey: ObjectIdentifier(worker)), state.phase, state.failuresInARow)
        }
        guard let lost, let submission = lost.submission, !submission.isComplete else { return }
        if phase == .terminated {
            submission.complete(.failure(PoolError.closed))
        } else if lost.wasSent || failures > Self.failuresToGiveUp {
            submission.complete(.failure(PoolError.workerDied(worker.child.processID, status)))
        } else {
            submitAgain(submission)
            startForDraining()
        }
    }

    /// A pool that is closing needs a worker as long as tasks wait.
    private func startForDraining() {
        let mustStart = state.withLock { state in
            guard state.phase == .draining, state.workers.isEmpty, state.starting == 0, state.queue.count > 0
            else { return false }
            state.starting += 1
            return true
        }
        guard mustStart else { return }
        do throws(Errno) {
            try Thread(name: "pool starter") { [self] in startWorker() }.detach()
        } catch {
            workerDidNotStart(.system(error))
        }
    }

    // MARK: The end

    /// Takes no more tasks, and ends the workers when those it has are done.
    func close() {
        state.withLock { state in
            if state.phase == .open { state.phase = .draining }
        }
        endIfDrained()
    }

    /// Kills the workers; the tasks that it has fail.
    func terminate() {
        let (workers, waiting) = state.withLock { state in
            state.phase = .terminated
            return (Array(state.workers.values), state.queue.removeAll())
        }
        for submission in waiting { submission.complete(.failure(PoolError.closed)) }
        for worker in workers { _ = try? worker.child.kill() }
        endIfDrained()
    }

    private func endIfDrained() {
        enum Step {
            case none
            case disconnect([Worker])
            case stop
        }
        let step: Step = state.withLock { state in
            guard state.phase != .open, state.starting == 0 else { return .none }
            if state.workers.isEmpty, state.running.isEmpty, state.queue.count == 0 { return .stop }
            guard state.phase == .draining, state.queue.count == 0, state.idle.count == state.workers.count else {
                return .none
            }
            let idle = state.idle
            state.idle = []
            return .disconnect(idle)
        }
        switch step {
        case .none: break
        case .disconnect(let workers):
            reactor.schedule { reactor in for worker in workers { worker.disconnect(in: reactor) } }
        case .stop:
            ended.open()
            reactor.stop()
        }
    }
}
