import Syscalls

extension ResultFeed {
    /// What the tasks of messages have come to that held one each.
    private func outcomes(ofSingle jobs: ArraySlice<AnsweredJob>) -> TaskOutcomes<Output> {
        var outputs: [Output] = []
        outputs.reserveCapacity(jobs.count)
        do {
            for job in jobs { outputs.append(try output(of: job)) }
            return .outputs(outputs)
        } catch {
            // Not all of them have an output.
            return .mixed(jobs.map { job in Result { try output(of: job) } })
        }
    }

    private func output(of answered: AnsweredJob) throws -> Output {
        try answered.answer.reply.output(Output.self, of: answered.job.typeName)
    }

    /// What the tasks of one message have come to that were not lost with a worker before.
    private func outcomes(_ reply: Reply, of job: Job) throws -> TaskOutcomes<Output> {
        if job.count == 1 { return .outputs([try reply.output(Output.self, of: job.typeName)]) }
        let outcomes = try reply.output(ChunkOutcomes<Output>.self, of: job.typeName)
        let count = job.count - job.firstElement
        guard let results = outcomes.inOrder(count, error: { $0.error(of: job.typeName, in: reply.worker) }) else {
            throw PoolError.coding("other results than for \(count) tasks")
        }
        return results
    }

    /// Takes in the results of some messages.
    ///
    /// - Parameter culprit: The task with which others were lost that might have done well: it is the one that has failed.
    func note(
        _ numbers: [Int], _ outcomes: TaskOutcomes<Output>, _ duration: Duration?, culprit: Int? = nil
    ) {
        let known: Int? = state.withLock { state in
            let before = state.sizing.known
            if let duration { state.sizing.note(outcomes.count, duration) }
            let arrival = state.firstArrival + state.arrivals.count
            state.arrivals.append(outcomes)
            state.untaken.append(numbers.count)
            for (place, number) in numbers.enumerated() {
                state.messages.finish(number, arrival: arrival, place: place)
            }
            if order == .completion { state.ended += numbers }
            if order == .together {
                state.outstanding -= outcomes.count
                if let (place, error) = outcomes.firstFailure(from: culprit ?? 0) {
                    let index =
                        numbers.count > 1
                        ? state.messages[numbers[place]].first
                        : state.messages[numbers[0]].first + place
                    if index < state.failure?.index ?? .max { state.failure = MapFailure(index: index, error: error) }
                }
            }
            return state.sizing.known == before ? nil : state.sizing.known
        }
        if let known { dispatcher.noteChunkSize(known, of: T.self) }
    }
}

extension ResultFeed: JobGroup {
    func ended(_ jobs: ArraySlice<AnsweredJob>) {
        // Outside the lock: decoding runs code of the outputs' type.
        if jobs.allSatisfy({ $0.job.count == 1 }) {
            let duration = jobs.reduce(0) { $0 + max(0, $1.answer.header.nanoseconds) }
            note(jobs.map(\.job.sequence), outcomes(ofSingle: jobs), .nanoseconds(duration))
        } else {
            for answered in jobs { note(answered.job, .success(answered.answer.reply)) }
        }
        goOn()
    }

    func ended(_ job: Job, _ result: Result<Reply, any Error>) {
        note(job, result)
        goOn()
    }

    private func note(_ job: Job, _ result: Result<Reply, any Error>) {
        var duration: Duration?
        var outcomes: TaskOutcomes<Output>
        do {
            let reply = try result.get()
            outcomes = try self.outcomes(reply, of: job)
            duration = reply.duration
        } catch {
            outcomes = TaskOutcomes(failing: job.count - job.firstElement, error)
        }
        for loss in job.losses.reversed() { outcomes.prepend(loss) }
        note([job.sequence], outcomes, duration, culprit: job.losses.first?.culprit)
    }

    private func goOn() {
        // Without a taker nobody else would.
        if order == .together { pump() } else { wakeIfReady() }
    }
}
