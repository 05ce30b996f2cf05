import FDPassing
import ForkServer
import Framing
import Reactor
import Synchronization
import Syscalls

/// A worker process as the pool sees it, with the socket that only the two of them have.
///
/// Its replies are read either by the pool's reactor, or by a thread that has leased the worker for one task and reads the
/// reply itself, without a hop through another thread. A lock says which.
final class Worker: Sendable {
    let child: ChildProcess
    var connection: Connection { child.connection }
    private let reading = Lock(Reading())
    /// How far the last task is on its way, so that a worker's end in the midst of it is not taken for the task's.
    let handover = Atomic(Handover.done)

    enum Handover: UInt8, AtomicRepresentable {
        /// Somebody is about to send a task, or just sending it.
        case underWay
        case done
        /// The worker ended while a task was under way: whoever sends it sees to it.
        case workerEnded
    }

    private struct Reading {
        var isLeased = false
        /// Whether the reactor watches the socket, or is about to.
        var isWatched = false
    }

    /// Starts a worker.
    init(on server: ForkServer) throws(ForkServerError) {
        child = try server.spawnBlocking(PoolWorker(), until: .after(.seconds(60)))
    }

    // MARK: Leased

    /// Runs a task on the calling thread: sends it and waits for its reply.
    ///
    /// - Returns: `nil` when the worker was dead already, and cannot have begun the task.
    /// - Throws: `FramingError.endOfFile` and the like when the worker died.
    func runLeased(_ task: EncodedTask) throws(FramingError) -> Reply? {
        reading.withLock { $0.isLeased = true }
        var progress = SendProgress()
        do throws(FramingError) {
            try connection.send(task.bytes.span.bytes, passing: task.descriptors, progress: &progress)
        } catch {
            if error.isDisconnection || error == .closed, progress.sent == 0 { return nil }
            throw error
        }
        let bytes = try connection.receive()
        return try reply(bytes)
    }

    // MARK: Read by the reactor

    /// Sends a task whose reply the reactor will read. Never waits: what the socket does not take, the reactor sends later.
    ///
    /// - Parameter received: Called on the reactor's thread with each reply, from this task on.
    func send(
        _ task: EncodedTask, reactor: ReactorThread, received: @escaping @Sendable (Reply) -> Void
    ) -> SendOutcome {
        let mustWatch = reading.withLock { reading in
            reading.isLeased = false
            defer { reading.isWatched = true }
            return !reading.isWatched
        }
        if mustWatch { reactor.schedule { [self] in watch(in: $0, received) } }
        var progress = SendProgress()
        do throws(FramingError) {
            try connection.send(
                task.bytes.span.bytes, passing: task.descriptors, progress: &progress, until: .now)
            return .sent
        } catch {
            if error == .timedOut {
                reactor.schedule { [self, progress] in sendRest(of: task, progress, in: $0) }
                return .sent
            }
            // That the worker is dead or dying, its status channel tells.
            let isDead = error.isDisconnection || error == .closed
            if progress.sent == 0 { return isDead ? .workerIsDead : .refused(error) }
            if !isDead { _ = try? child.kill() }
            return .sent
        }
    }

    enum SendOutcome {
        /// The worker can have seen some of it.
        case sent
        /// The worker has not seen any of it, and never will.
        case workerIsDead
        /// The kernel refuses the task, such as for a descriptor that was closed; the worker can have another.
        case refused(FramingError)
    }

    private func watch(in reactor: Reactor, _ received: @escaping @Sendable (Reply) -> Void) {
        try? connection.withDescriptor { descriptor in
            // If the kernel refuses, the worker can be of no use: it is replaced.
            do throws(Errno) {
                try reactor.addReader(descriptor) { [self] _ in
                    if !receive(received) { reactor.removeReader(descriptor) }
                }
            } catch {
                _ = try? child.kill()
            }
        }
    }

    /// Reads the replies that are there; whether more may come.
    func receive(_ received: (Reply) -> Void) -> Bool {
        var replies: [Reply] = []
        let goesOn = reading.withLock { reading in
            guard !reading.isLeased else {
                reading.isWatched = false
                return false
            }
            do throws(FramingError) {
                try connection.receiveAvailable { bytes throws(FramingError) in
                    replies.append(try reply(bytes))
                }
                return true
            } catch {
                // Of a worker whose replies cannot be taken in no task would ever end.
                if !error.isDisconnection, error != .closed { _ = try? child.kill() }
                return false
            }
        }
        for reply in replies { received(reply) }
        return goesOn
    }

    private func sendRest(of task: EncodedTask, _ progress: SendProgress, in reactor: Reactor) {
        var progress = progress
        try? connection.withDescriptor { descriptor in
            try? reactor.addWriter(descriptor) { [self] _ in
                do throws(FramingError) {
                    try connection.send(
                        task.bytes.span.bytes, passing: task.descriptors, progress: &progress, until: .now)
                    reactor.removeWriter(descriptor)
                } catch {
                    if error == .timedOut { return }
                    reactor.removeWriter(descriptor)
                    if !error.isDisconnection { _ = try? child.kill() }
                }
            }
        }
    }

    private func reply(_ bytes: [UInt8]) throws(FramingError) -> Reply {
        guard let message = ReplyMessage(parsing: bytes) else { throw .malformedHeader(length: bytes.count) }
        let descriptors = try connection.receiveDescriptors(message.descriptorCount)
        return Reply(message: message, descriptors: IncomingDescriptors(descriptors))
    }

    // MARK: The end

    /// Calls back on the reactor's thread when the worker has ended.
    func watchEnd(in reactor: Reactor, _ ended: @escaping (ExitStatus) -> Void) {
        guard let descriptor = try? child.waitingDescriptor() else { return ended(.unknown) }
        let watched = WatchedEnd(descriptor)
        do throws(Errno) {
            try reactor.addReader(watched.descriptor) { [self] _ in
                reactor.removeReader(watched.descriptor)
                if let status = child.exitStatus {
                    ended(status)
                } else {
                    // The server died first: from now on it is another descriptor that tells, and not at once.
                    reactor.addTimer(after: .milliseconds(5)) { [self, unowned reactor] in
                        watchEnd(in: reactor, ended)
                    }
                }
            }
        } catch {
            ended(.unknown)
        }
    }

    /// Lets go of the worker, on the reactor's thread: an idle one ends by itself then.
    func disconnect(in reactor: Reactor) {
        try? connection.withDescriptor { descriptor in
            reactor.removeReader(descriptor)
            reactor.removeWriter(descriptor)
        }
        connection.close()
    }
}

/// Keeps the descriptor open for as long as its handler is there.
private final class WatchedEnd {
    private let owned: OwnedFileDescriptor

    init(_ descriptor: consuming OwnedFileDescriptor) {
        owned = descriptor
    }

    var descriptor: FileDescriptor { owned.descriptor }
}
