import Syscalls

extension Dispatcher {
    /// Takes no more tasks, and ends the workers when those it has are done.
    func close() {
        state.withLock { state in
            if state.phase == .open { state.phase = .draining }
        }
        startMissingWorkers()
        endIfDrained()
    }

    /// Kills the workers; the tasks that it has fail.
    func terminate() {
        let (workers, waiting): ([Worker], [Job]) = state.withLock { state in
            state.phase = .terminated
            let waiting = state.takeWaiting()
            state.counters.failed += waiting.count
            return (state.workers.all, waiting)
        }
        for job in waiting { fail(job, .closed) }
        for worker in workers { worker.kill() }
        endIfDrained()
    }

    /// Takes the next step to the end of a pool that was closed, once it can be taken.
    func endIfDrained() {
        enum Step {
            case none
            case disconnect([Worker])
            case stop([@Sendable () -> Void])
        }
        let step: Step = state.withLock { state in
            guard state.phase != .open, state.starting.isEmpty, !state.hasStopped else { return .none }
            let isDone = state.books.hasNoTasks && state.parked.isEmpty
            if state.workers.isEmpty, isDone {
                // Once: what is scheduled on a thread that has ended would keep this object alive.
                state.hasStopped = true
                defer { state.seatWaiters = [:] }
                return .stop(state.seatWaiters.values.flatMap(\.self))
            }
            guard state.phase == .draining, isDone else { return .none }
            return .disconnect(
                state.workers.all.filter {
                    state.books.seat($0.number)?.isRetiring == false && state.books.retire($0.number)
                })
        }
        switch step {
        case .none: break
        case .disconnect(let workers):
            reactor.schedule { reactor in for worker in workers { worker.disconnect(in: reactor) } }
        case .stop(let waiters):
            for waiter in waiters { waiter() }
            observers.end()
            SegmentStore.shared.endUse()
            ended.open()
            reactor.stop()
        }
    }
}

extension Dispatcher {
    /// Closes the pool and waits until its last worker is reaped; from the deadline on they are killed.
    func shutDown(until deadline: Deadline) {
        if deadline.hasPassed { terminate() } else { close() }
        if ended.wait(until: deadline) { return }
        terminate()
        ended.wait()
    }

    var statistics: PoolStatistics {
        state.withLock { state in
            var statistics = state.counters
            statistics.queued = state.books.waitingCount + state.parked.count
            statistics.running = state.books.runningCount
            statistics.latency = state.latencies.percentiles
            return statistics
        }
    }
}
