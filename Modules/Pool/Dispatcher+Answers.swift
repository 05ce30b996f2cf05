import Reactor
import Syscalls

extension Dispatcher {
    /// Completes the tasks that a worker has answered, on the reactor's thread.
    ///
    /// - Parameter goesOn: Whether the worker is to get more.
    func settle(_ answers: [WorkerAnswer], of worker: Worker, goesOn: Bool = true) {
        var answered: [AnsweredJob] = []
        answered.reserveCapacity(answers.count)
        var isLying = false
        var isEnding = false
        let sendings: [Sending] = state.withLock { state in
            isEnding = state.phase != .open
            let now = Deadline.now
            let isHere = state.workers[worker.number] === worker
            for answer in answers {
                if answer.isProgress {
                    if let job = state.books.job(answer.task, of: worker.number) {
                        answered.append(AnsweredJob(job: job, answer: answer))
                    }
                } else if isHere, let job = note(answer, of: worker, at: now, in: &state) {
                    answered.append(AnsweredJob(job: job, answer: answer))
                } else {
                    isLying = true
                }
            }
            return goesOn ? next(for: worker.number, in: &state) : []
        }
        // It answers what it was not asked: nothing that it says can be believed.
        if isLying { worker.distrust() }
        // The workers first: what is told to waiters may take them long.
        send(sendings)
        tell(answered)
        if isEnding { endIfDrained() }
    }

    /// Writes an answer into the books. Returns `nil` when the worker was not asked.
    func note(_ answer: WorkerAnswer, of worker: Worker, at now: Deadline, in state: inout State) -> Job? {
        guard let job = state.books.finish(answer.task, by: worker.number, after: answer.header.nanoseconds, at: now)
        else { return nil }
        state.restarts.noteSuccess()
        if answer.header.flags.contains(.isOverMemoryLimit) { _ = state.books.retire(worker.number) }
        if !job.isComplete {
            if answer.header.kind == .output { state.counters.done += 1 } else { state.counters.failed += 1 }
            state.latencies.add(nanoseconds: now.monotonicNanoseconds &- job.submitted.monotonicNanoseconds)
        }
        return job
    }

    /// Tells those who wait; those who have submitted several tasks, of as many at once as there are.
    private func tell(_ answered: [AnsweredJob]) {
        var place = 0
        while place < answered.count {
            let (job, answer) = (answered[place].job, answered[place].answer)
            let first = place
            place += 1
            if answer.isProgress {
                job.report(answer.value)
            } else if let group = job.group {
                guard end(answered[first]) else { continue }
                while place < answered.count, answered[place].job.group === group, !answered[place].answer.isProgress,
                    end(answered[place])
                {
                    place += 1
                }
                group.ended(answered[first..<place])
            } else {
                complete(job, answer.reply)
            }
        }
    }

    /// Whether a job of several has ended with this answer.
    private func end(_ answered: AnsweredJob) -> Bool {
        guard answered.job.end() else { return false }
        observe(answered.job, answered.answer.reply)
        return true
    }

    func complete(_ job: Job, _ reply: Reply) {
        if job.complete(.success(reply)) { observe(job, reply) }
    }

    private func observe(_ job: Job, _ reply: Reply) {
        guard observers.isWanted else { return }
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

extension Dispatcher {
    /// After so long answers that a worker has not sent, since it has more to do, are looked for.
    private static let patience = Duration.milliseconds(1)

    /// Sees to it that what a worker answers does not wait for what it does after that, when it has several tasks.
    func startCollecting(in state: inout State, _ worker: Int) {
        guard !state.isCollecting, state.books.hasSeveral(worker) else { return }
        state.isCollecting = true
        reactor.schedule { [self] reactor in collectLater(in: reactor) }
    }

    private func collectLater(in reactor: Reactor) {
        reactor.addTimer(after: Self.patience) { [self, unowned reactor] in
            let workers: [Worker] = state.withLock { state in
                let workers = state.workers.all.filter { state.books.hasSeveral($0.number) }
                state.isCollecting = !workers.isEmpty
                return workers
            }
            for worker in workers { settleHeld(by: worker) }
            if !workers.isEmpty { collectLater(in: reactor) }
        }
    }

    /// Takes in what a worker has answered and not sent.
    func settleHeld(by worker: Worker) {
        let answers = worker.receiveHeld()
        if !answers.isEmpty { settle(answers, of: worker) }
    }
}
