import Reactor
import Syscalls

extension Dispatcher {
    /// Sees to it that tasks with a time limit are looked at when that has passed.
    func watchLimits(of worker: Worker, _ deliveries: [PoolBooks.Delivery]) {
        var shortest: Duration?
        for delivery in deliveries {
            guard let limit = delivery.job.options.timeLimit else { continue }
            shortest = min(shortest ?? limit, limit)
        }
        if let shortest { checkLimits(of: worker, after: shortest) }
    }

    private func checkLimits(of worker: Worker, after delay: Duration) {
        let time = Deadline.after(delay)
        let isFirst = state.withLock { state in
            // A look that is due earlier will see to this one too.
            if let due = state.limitChecks[worker.number], due <= time { return false }
            state.limitChecks[worker.number] = time
            return true
        }
        guard isFirst else { return }
        reactor.schedule { [self] reactor in
            reactor.addTimer(after: delay) { [self] in checkLimits(of: worker, dueAt: time) }
        }
    }

    /// Kills the worker when its task has run for too long; otherwise looks again when that may be.
    private func checkLimits(of worker: Worker, dueAt time: Deadline) {
        // What it has done it does not run.
        settleHeld(by: worker)
        let number = worker.number
        var isOver = false
        let next: Duration? = state.withLock { state in
            guard state.workers[number] === worker, state.limitChecks[number] == time else { return nil }
            state.limitChecks[number] = nil
            guard let seat = state.books.seat(number) else { return nil }
            var next: Duration?
            for delivery in seat.deliveries {
                guard let limit = delivery.job.options.timeLimit else { continue }
                var left = limit
                if seat.page.hasClaimed(delivery.job.id, in: delivery.slot) {
                    left = limit - seat.runningTime
                    if left <= .zero {
                        state.sentences[number] = (delivery.job.id, .timeLimitExceeded(limit))
                        isOver = true
                    }
                }
                next = min(next ?? left, left)
            }
            return next
        }
        if isOver { return worker.kill() }
        if let next { checkLimits(of: worker, after: max(next, .milliseconds(1))) }
    }

    /// Kills a worker that still has a task that was cancelled, after a while.
    func killAfterCancellation(_ job: Job, of worker: Worker, _ grace: Duration) {
        reactor.schedule { [self] reactor in
            reactor.addTimer(after: grace) { [self] in
                let isAtIt = state.withLock { state in
                    guard state.workers[worker.number] === worker, job.place == .worker(worker.number) else {
                        return false
                    }
                    state.sentences[worker.number] = (job.id, nil)
                    return true
                }
                if isAtIt { worker.kill() }
            }
        }
    }
}

extension PoolBooks.Seat {
    /// For how long the worker has run its task, as it says; but not for longer than it has had it.
    fileprivate var runningTime: Duration {
        let now = Deadline.now
        let mostPossible = now - headSince
        let (ago, isFuture) = now.monotonicNanoseconds.subtractingReportingOverflow(page.claimTime)
        return isFuture ? .zero : min(mostPossible, .nanoseconds(Int64(clamping: ago)))
    }
}
