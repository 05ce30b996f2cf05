import ForkServer
import Framing
import Syscalls

extension Dispatcher {
    /// Runs a task on an idle worker, with the calling thread waiting for its reply; `nil` when none is idle.
    func runOnIdleWorker(_ job: Job) throws(PoolError) -> Reply? {
        while let (worker, delivery) = try leaseIdleWorker(for: job) {
            do throws(FramingError) {
                if let answer = try worker.runLeased(delivery) {
                    endLease(of: worker, answer)
                    return answer.reply
                }
                worker.kill()
            } catch {
                // What is wrong with it beyond its death is seen from its status.
                worker.kill()
                guard error.isDisconnection || error == .closed else {
                    strikeOut(delivery, of: worker)
                    throw .connection(error)
                }
            }
            let status = (try? worker.child.waitBlocking(until: .never)) ?? .unknown
            strikeOut(delivery, of: worker)
            if let error = errorAfterDeath(of: worker, status, delivery) { throw error }
        }
        return nil
    }

    private func leaseIdleWorker(for job: Job) throws(PoolError) -> (Worker, PoolBooks.Delivery)? {
        let lease: (Worker, PoolBooks.Delivery)? = try state.withLock { state throws(PoolError) in
            if state.phase != .open { throw .closed }
            // A pool that has given up has no idle worker.
            guard let (number, delivery) = state.books.deliverToIdle(job, isLeased: true) else { return nil }
            if observers.isWanted { observers.tell(.taskSubmitted(job.id, type: job.typeName)) }
            return (state.workers[number]!, delivery)
        }
        return lease
    }

    private func endLease(of worker: Worker, _ answer: WorkerAnswer) {
        let (job, sendings, isEnding): (Job?, [Sending], Bool) = state.withLock { state in
            state.books.endLease(of: worker.number)
            let isHere = state.workers[worker.number] === worker
            let job = isHere ? note(answer, of: worker, at: .now, in: &state) : nil
            return (job, next(for: worker.number, in: &state), state.phase != .open)
        }
        if let job, observers.isWanted { complete(job, answer.reply) }
        if !sendings.isEmpty { send(sendings) }
        if isEnding { endIfDrained() }
    }

    /// The task is no longer this worker's, which is dead.
    private func strikeOut(_ delivery: PoolBooks.Delivery, of worker: Worker) {
        state.withLock { state in
            guard state.workers[worker.number] === worker else { return }
            state.books.endLease(of: worker.number)
            state.books.forget(delivery.job, of: worker.number)
        }
    }

    /// `nil` when the worker had not begun the task, which another can have.
    private func errorAfterDeath(of worker: Worker, _ status: ExitStatus, _ delivery: PoolBooks.Delivery) -> PoolError?
    {
        let (job, hasBegun) = (delivery.job, worker.page.hasClaimed(delivery.job.id, in: delivery.slot))
        let isTerminated = state.withLock { state in
            if hasBegun { state.counters.failed += 1 }
            return state.phase == .terminated
        }
        if isTerminated { return .closed }
        guard hasBegun || job.deliveries > Self.mostDeliveries else { return nil }
        let error = PoolError.workerDied(
            WorkerDeath(
                processID: worker.child.processID, status: status, task: job.typeName, attempts: 1,
                standardError: worker.standardError))
        fail(job, error)
        return error
    }
}
