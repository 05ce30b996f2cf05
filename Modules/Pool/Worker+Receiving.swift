import FDPassing
import Framing
import Reactor
import Syscalls

extension Worker {
    func watch(in reactor: Reactor, _ dispatcher: Dispatcher) {
        try? connection.withDescriptor { descriptor in
            // If the kernel refuses, the worker can be of no use: it is replaced.
            do throws(Errno) {
                try reactor.addReader(descriptor) { [self] _ in
                    let (answers, goesOn) = receive()
                    if !goesOn { reactor.removeReader(descriptor) }
                    if !answers.isEmpty { dispatcher.settle(answers, of: self) }
                }
            } catch {
                kill()
            }
        }
    }

    /// Reads what has come, and whether more may come.
    func receive() -> (answers: [WorkerAnswer], goesOn: Bool) {
        reading.withLock { reading in
            if reading.isLying { return ([], false) }
            guard !reading.isLeased else {
                reading.isWatched = false
                return ([], false)
            }
            var sent: [WorkerAnswer] = []
            do throws(FramingError) {
                try connection.receiveAvailable(limit: Self.messageLimit) { message throws(FramingError) in
                    try append(message, to: &sent)
                }
                // What the worker had not sent by then is older.
                let answers = try takeHeld()
                return (answers.isEmpty ? sent : answers + sent, true)
            } catch {
                // Of a worker whose replies cannot be taken, or that has closed its end, no task would ever end.
                if error != .closed { kill() }
                reading.isLying = !error.isDisconnection && error != .closed
                return (((try? takeHeld()) ?? []) + sent, false)
            }
        }
    }

    /// What the worker has answered and not sent.
    private func takeHeld() throws(FramingError) -> [WorkerAnswer] {
        guard !page.answers.isEmpty else { return [] }
        var held: [WorkerAnswer] = []
        guard let bytes = page.answers.take() else { throw .malformedHeader(length: AnswerRing.capacity) }
        try append(bytes, to: &held)
        return held
    }

    /// What the worker has answered and not sent, for who need not wait until it does.
    func receiveHeld() -> [WorkerAnswer] {
        reading.withLock { reading in
            do throws(FramingError) {
                return reading.isLeased || reading.isLying ? [] : try takeHeld()
            } catch {
                reading.isLying = true
                kill()
                return []
            }
        }
    }

    private func append(_ message: [UInt8], to answers: inout [WorkerAnswer]) throws(FramingError) {
        guard try appendAnswers(in: message, to: &answers) else { throw .malformedHeader(length: message.count) }
    }

    /// What a message says of tasks; `false` when it makes no sense.
    func appendAnswers(
        in message: [UInt8], to answers: inout [WorkerAnswer]
    ) throws(FramingError) -> Bool {
        guard let records = Records(in: message) else { return false }
        for record in records {
            let header = record.header
            switch header.kind {
            case .returned: link.takeBack(record.numbers)
            case .forgotten: link.forget(record.numbers)
            case .task, .cancel: return false
            case .output, .failure, .progress:
                var count = header.descriptorCount
                if header.segmentCount > 0 { count += record.segments.count(where: \.hasDescriptor) }
                let batch = count == 0 ? DescriptorBatch() : try connection.receiveDescriptors(count)
                guard let value = IncomingValue(record, batch, link) else { return false }
                answers.append(WorkerAnswer(header: header, value: value, worker: child.processID))
            }
        }
        return true
    }
}
