import FDPassing
import ForkServer
import Framing
import Reactor
import Syscalls

/// A worker process as the pool sees it, with the socket and the page that only the two of them have.
///
/// Its replies are read either by the pool's reactor, or by a thread that has leased the worker for one task and reads the
/// reply itself, without a hop through another thread. A lock says which.
final class Worker: Sendable {
    let number: Int
    let child: ChildProcess
    let page: WorkerPage
    let link = SegmentLink()
    var connection: Connection { child.connection }
    let reading = Lock(Reading())
    private let outbox = Lock(Outbox())

    struct Reading {
        var isLeased = false
        /// Whether the reactor watches the socket, or is about to.
        var isWatched = false
        /// Whether it has said what makes no sense: nothing that it has said after that is believed.
        var isLying = false
    }

    private struct Outbox {
        /// What the socket did not take yet. Of the first some may have been sent.
        var waiting: [(message: Message, progress: SendProgress)] = []
        /// Where what waits is sent from.
        var isWatched = false
    }

    /// Bytes, and what travels beside them.
    struct Message: Sendable {
        var bytes: [UInt8] = []
        var descriptors: [FileDescriptor] = []
        /// They keep the descriptors open.
        var jobs: [Job] = []
    }

    /// A worker does not send more than so much at once, except in shared memory.
    static let messageLimit = 1 << 31

    /// Starts a worker.
    init(_ number: Int, on server: ForkServer, _ options: Pool.Options) throws(ForkServerError) {
        self.number = number
        let memory: PassedDescriptor
        do throws(Errno) {
            memory = PassedDescriptor(try WorkerPage.makeMemory())
            page = try WorkerPage(memory.descriptor!)
        } catch {
            throw .system(error)
        }
        let program = PoolWorker(
            number: number, name: options.name, page: memory, memoryLimitKiB: options.memoryLimitKiB,
            initializer: options.initializer.map { AnyInitializer($0) })
        var childOptions = options.worker
        #if os(Linux)
            if case .spread = options.affinity, let cpus = try? ProcessID.current.affinity(), !cpus.isEmpty {
                childOptions.affinity = [cpus[number % cpus.count]]
            }
        #endif
        child = try server.spawnBlocking(program, options: childOptions, until: .after(.seconds(60)))
    }

    /// What it wrote to standard error, as far as it was kept.
    var standardError: String { child.capturedStandardError?.text ?? "" }

    /// Ends it. That it is gone already is no error.
    func kill() { _ = try? child.kill() }

    /// Ends one that has said what it cannot have to say, of which nothing more is believed.
    func distrust() {
        reading.withLock { $0.isLying = true }
        kill()
    }

    // MARK: Leased

    /// Runs a task on the calling thread: sends it and waits for its reply.
    ///
    /// - Returns: `nil` when the worker answered something else.
    /// - Throws: `FramingError.endOfFile` and the like when the worker died.
    func runLeased(_ delivery: PoolBooks.Delivery) throws(FramingError) -> WorkerAnswer? {
        reading.withLock { $0.isLeased = true }
        let message = message(for: [delivery])
        try connection.send(message.bytes, passing: message.descriptors)
        while true {
            var answers: [WorkerAnswer] = []
            guard try appendAnswers(in: try connection.receive(limit: Self.messageLimit), to: &answers) else {
                return nil
            }
            for answer in answers where answer.task == delivery.job.id && !answer.isProgress { return answer }
        }
    }

    // MARK: Sending

    /// Sends tasks whose replies the reactor will read. Never waits: what the socket does not take, the reactor sends later.
    ///
    /// - Parameter dispatcher: Gets what the worker answers, on the reactor's thread.
    /// - Returns: Why the kernel refused them, such as for a descriptor that was closed. That the worker is dead is none of its
    ///   reasons: its status channel tells.
    func send(_ deliveries: [PoolBooks.Delivery], for dispatcher: Dispatcher) -> [(PoolBooks.Delivery, FramingError)] {
        let reactor = dispatcher.reactor
        let mustWatch = reading.withLock { reading in
            reading.isLeased = false
            defer { reading.isWatched = true }
            return !reading.isWatched
        }
        if mustWatch { reactor.schedule { [self] in watch(in: $0, dispatcher) } }
        if deliveries.allSatisfy(\.job.task.isPlain) {
            guard let error = send(message(for: deliveries), reactor) else { return [] }
            return deliveries.map { ($0, error) }
        }
        var refused: [(PoolBooks.Delivery, FramingError)] = []
        // Those with something beside them go by themselves: what the kernel refuses is theirs alone then.
        for group in deliveries.split(
            maxSplits: .max, omittingEmptySubsequences: true, whereSeparator: { !$0.job.task.isPlain })
        {
            if let error = send(message(for: Array(group)), reactor) { refused += group.map { ($0, error) } }
        }
        for delivery in deliveries where !delivery.job.task.isPlain {
            if let error = send(message(for: [delivery]), reactor) { refused.append((delivery, error)) }
        }
        return refused
    }

    /// Tells the worker that what it runs is to stop.
    func sendCancel(_ task: UInt64, reactor: ReactorThread) {
        page.cancel(task)
        var message = Message()
        message.bytes.appendHeader(RecordHeader(.cancel, task: task))
        _ = send(message, reactor)
    }

    private func message(for deliveries: [PoolBooks.Delivery]) -> Message {
        var message = Message()
        appendNotices(to: &message)
        message.bytes.reserveCapacity(
            deliveries.reduce(message.bytes.count) { $0 + $1.job.task.bytes.count })
        message.jobs.reserveCapacity(deliveries.count)
        for delivery in deliveries {
            let job = delivery.job
            var header = RecordHeader(.task, task: job.id)
            header.slot = delivery.slot
            header.attempt = job.attempts + 1
            header.firstElement = job.firstElement
            header.nanoseconds = job.options.softTimeLimit?.wholeNanoseconds ?? 0
            if job.options.timeLimit != nil { header.flags.insert(.isTimed) }
            message.descriptors += job.task.append(header, to: &message.bytes, link)
            message.jobs.append(job)
        }
        return message
    }

    private func appendNotices(to message: inout Message) {
        guard link.hasNotices else { return }
        let (returned, forgotten) = link.notices()
        if !returned.isEmpty { message.bytes.appendRecord(.returned, returned) }
        if !forgotten.isEmpty { message.bytes.appendRecord(.forgotten, forgotten) }
    }

    private func send(_ message: Message, _ reactor: ReactorThread) -> FramingError? {
        outbox.withLock { outbox in
            guard outbox.waiting.isEmpty else {
                outbox.waiting.append((message, SendProgress()))
                return nil
            }
            var progress = SendProgress()
            do throws(FramingError) {
                try connection.send(
                    message.bytes.span.bytes, passing: message.descriptors, progress: &progress, until: .now)
            } catch {
                if error == .timedOut {
                    outbox.waiting.append((message, progress))
                    if !outbox.isWatched {
                        outbox.isWatched = true
                        reactor.schedule { [self] in sendWaiting(in: $0) }
                    }
                } else if !error.isDisconnection, error != .closed {
                    if progress.sent == 0 { return error }
                    kill()
                }
            }
            return nil
        }
    }

    private func sendWaiting(in reactor: Reactor) {
        try? connection.withDescriptor { descriptor in
            try? reactor.addWriter(descriptor) { [self] _ in
                let isDone = outbox.withLock { outbox in
                    if !sendSome(of: &outbox) { return false }
                    outbox.isWatched = false
                    return true
                }
                if isDone { reactor.removeWriter(descriptor) }
            }
        }
    }

    /// Sends what the socket takes. Returns whether nothing is left.
    private func sendSome(of outbox: inout sending Outbox) -> Bool {
        while let (message, sent) = outbox.waiting.first {
            var progress = sent
            do throws(FramingError) {
                try connection.send(
                    message.bytes.span.bytes, passing: message.descriptors, progress: &progress, until: .now)
                outbox.waiting.removeFirst()
            } catch {
                if error == .timedOut {
                    outbox.waiting[0].progress = progress
                    return false
                }
                if !error.isDisconnection { kill() }
                outbox.waiting = []
            }
        }
        return true
    }
}
