import FDPassing
import Framing
import Reactor
import Syscalls

/// A child of the fork server, as the program that asked for it sees it.
///
/// The server reaps it and tells how it ended; if the server dies, the child goes on, and its end is learnt from the
/// kernel. Letting go of this object does not end the child. Safe to use from any thread.
public final class ChildProcess: Sendable {
    /// The child's number, for people and logs. Signals go by `send`, which cannot reach a stranger.
    public let processID: ProcessID
    /// Messages to and from `ChildContext.connection` in the child. It ends when the child does.
    public let connection: Connection
    private let status: Connection
    private let streams: StandardStreamEnds
    private let outcome = Lock<ExitStatus?>(nil)
    #if os(Linux)
        private let process: ProcessDescriptor
    #endif

    /// Waits until the child's start is told; `nil` when it was to be a spare that has died before.
    init?(
        running program: String, of server: RunningServer, channel: Connection, status: Connection,
        streams: StandardStreamEnds, until deadline: Deadline
    ) throws(ForkServerError) {
        connection = channel
        self.streams = streams
        switch try Self.receiveStart(status, until: deadline) {
        case .started(let processID):
            self.processID = processID
            self.status = status
            #if os(Linux)
                do throws(FramingError) {
                    var descriptors = try status.receiveDescriptors(1)
                    process = ProcessDescriptor(owning: descriptors.take(at: 0)!)
                } catch {
                    // Nobody holds it.
                    server.abandon(processID)
                    if case .descriptors(.truncated) = error { throw .system(.tooManyOpenFiles) }
                    throw .connection(error)
                }
            #endif
        case .typeUnknown: throw .typeUnknown(program)
        case .forkFailed(let error): throw .forkFailed(error)
        case .notSingleThreaded(let threads):
            throw .notSingleThreaded(threads: threads, culprit: "what was loaded into it")
        case .notTaken: return nil
        case .ended(let status): throw .childEndedAtStart(status)
        }
    }

    private static func receiveStart(
        _ status: Connection, until deadline: Deadline
    ) throws(ForkServerError) -> ChildStatus {
        do throws(FramingError) {
            return ChildStatus(try status.receive(limit: 4096, until: deadline))
        } catch {
            throw error.isDisconnection ? .serverDied : error == .timedOut ? .timedOut : .connection(error)
        }
    }

    /// How the child ended, if it has.
    public var exitStatus: ExitStatus? {
        try? waitBlocking(until: .now)
    }

    /// Whether it has not ended yet.
    public var isRunning: Bool { exitStatus == nil }

    // MARK: Standard streams

    /// The writing end of its standard input, when that was to be a pipe; the caller owns it. `nil` when it was taken before.
    public func takeStandardInput() -> OwnedFileDescriptor? { streams.ends[0]?.take() }

    /// The reading end of its standard output, when that was to be a pipe; the caller owns it. `nil` when it was taken before.
    public func takeStandardOutput() -> OwnedFileDescriptor? { streams.ends[1]?.take() }

    /// The reading end of its standard error, when that was to be a pipe; the caller owns it. `nil` when it was taken before.
    public func takeStandardError() -> OwnedFileDescriptor? { streams.ends[2]?.take() }

    /// What it has written to standard output so far, when that was to be captured; after its end all that it wrote.
    public var capturedStandardOutput: CapturedOutput? { streams.captures[1]?.output }

    /// What it has written to standard error so far, when that was to be captured; after its end all that it wrote.
    public var capturedStandardError: CapturedOutput? { streams.captures[2]?.output }

    // MARK: The end

    /// Waits for the child's end.
    ///
    /// - Returns: How it ended; `.unknown` when the server died first and the kernel does not tell.
    /// - Throws: `ForkServerError.timedOut` when it runs on past the deadline.
    @available(*, noasync, message: "use the async wait()")
    public func wait(until deadline: Deadline = .never) throws(ForkServerError) -> ExitStatus {
        try waitBlocking(until: deadline)
    }

    /// Waits for the child's end without blocking a thread.
    ///
    /// - Throws: `ForkServerError.timedOut` when it runs on past the deadline; `CancellationError` when the task is cancelled. The
    ///   child is not touched by either.
    public func wait(until deadline: Deadline = .never) async throws -> ExitStatus {
        while true {
            do throws(ForkServerError) {
                return try waitBlocking(until: .now)
            } catch {
                // Any other error would come again at once, for ever.
                guard case .timedOut = error, !deadline.hasPassed else { throw error }
            }
            if awaitsReaping {
                try await Task.sleep(for: Self.reapingInterval)
                continue
            }
            // A duplicate, since the reactor knows one handler a descriptor.
            let duplicate = try waitingDescriptor()
            do {
                try await ReactorThread.shared.waitUntilReadable(duplicate.descriptor, until: deadline)
            } catch let error as Errno where error == .timedOut {
                throw ForkServerError.timedOut
            }
        }
    }

    /// Sends the child a signal.
    ///
    /// - Returns: Whether it was still there.
    @discardableResult
    public func send(_ signal: Signal) throws(ForkServerError) -> Bool {
        // Until it is reaped the kernel would take the signal.
        if outcome.withLock({ $0 }) != nil { return false }
        do throws(Errno) {
            #if os(Linux)
                try process.send(signal)
            #else
                guard exitStatus == nil else { return false }
                try processID.send(signal)
            #endif
            return true
        } catch {
            if error == .noSuchProcess { return false }
            throw .system(error)
        }
    }

    /// Asks the child to end: SIGTERM.
    @discardableResult
    public func terminate() throws(ForkServerError) -> Bool { try send(.terminate) }

    /// Asks the child to end, SIGTERM, and ends it, SIGKILL, when it has not done so in time. Returns when it has ended.
    ///
    /// - Parameter gracePeriod: How long it has. What it had begun it may finish meanwhile.
    /// - Returns: How it ended.
    @available(*, noasync, message: "use the async terminate(gracePeriod:)")
    @discardableResult
    public func terminate(gracePeriod: Duration) throws(ForkServerError) -> ExitStatus {
        try send(.terminate)
        do throws(ForkServerError) {
            return try waitBlocking(until: .after(gracePeriod))
        } catch {
            guard case .timedOut = error else { throw error }
        }
        try send(.kill)
        return try waitBlocking(until: .never)
    }

    /// Asks the child to end, SIGTERM, and ends it, SIGKILL, when it has not done so in time, without blocking a thread.
    ///
    /// - Parameter gracePeriod: How long it has. When the task is cancelled it is killed at once.
    /// - Returns: How it ended.
    @discardableResult
    public func terminate(gracePeriod: Duration) async throws -> ExitStatus {
        try send(.terminate)
        do {
            return try await wait(until: .after(gracePeriod))
        } catch ForkServerError.timedOut {
            try send(.kill)
        } catch {
            try send(.kill)
            throw error
        }
        return try await wait()
    }

    /// Ends the child: SIGKILL.
    @discardableResult
    public func kill() throws(ForkServerError) -> Bool { try send(.kill) }

    /// A descriptor of the caller's own that becomes readable when `exitStatus` may have something new to say.
    package func waitingDescriptor() throws(ForkServerError) -> OwnedFileDescriptor {
        do throws(FramingError) {
            #if os(Linux)
                // Without the server only the kernel can tell of the end.
                if hasLostServer.withLock({ $0 }) {
                    return try framing { () throws(Errno) in try process.descriptor.duplicate() }
                }
            #endif
            return try status.withDescriptor { descriptor throws(FramingError) in
                try framing { () throws(Errno) in try descriptor.duplicate() }
            }
        } catch {
            throw .connection(error)
        }
    }

    /// Whether the status channel has ended without telling of the child's end.
    private let hasLostServer = Lock(false)

    package func waitBlocking(until deadline: Deadline) throws(ForkServerError) -> ExitStatus {
        while true {
            if let known = outcome.withLock({ $0 }) { return known }
            // Many may wait at once: each only waits here, and reads without waiting under the lock.
            let descriptor = try waitingDescriptor()
            do throws(Errno) {
                if try descriptor.descriptor.wait(for: .readable, until: deadline).isEmpty { throw .timedOut }
            } catch {
                throw error == .timedOut ? .timedOut : .system(error)
            }
            let isKnown = try outcome.withLock { outcome throws(ForkServerError) in
                if outcome == nil { outcome = try readOutcome() }
                return outcome != nil
            }
            if !isKnown, awaitsReaping {
                if deadline.hasPassed { throw .timedOut }
                min(deadline, .after(Self.reapingInterval)).sleep()
            }
        }
    }

    /// Whether the child has ended without its server, and whoever adopted it has yet to reap it.
    private var awaitsReaping: Bool { reapingDeadline.withLock { $0 } != nil }
    /// How often it is asked for then: of a process that has ended no descriptor tells anything new.
    private static let reapingInterval = Duration.milliseconds(5)
    private let reapingDeadline = Lock<Deadline?>(nil)

    #if os(Linux)
        /// What the kernel tells of a child whose server has died; `nil` when it may have more to tell.
        private func outcomeWithoutServer() -> ExitStatus? {
            guard (try? process.waitForEnd(until: .now)) == true else { return nil }
            // The kernel keeps the status from the moment of the reaping on, for which init can take a second.
            let isReaped = (try? process.descriptor.wait(for: [], until: .now))?.contains(.hangUp) ?? true
            let isGivenUp = reapingDeadline.withLock { deadline in
                if deadline == nil { deadline = .after(.seconds(3)) }
                return deadline!.hasPassed
            }
            return isReaped || isGivenUp ? process.statusAfterReaping : nil
        }
    #endif

    private func readOutcome() throws(ForkServerError) -> ExitStatus? {
        #if os(Linux)
            if hasLostServer.withLock({ $0 }) { return outcomeWithoutServer() }
        #endif
        let message: [UInt8]
        do throws(FramingError) {
            message = try status.receive(limit: 4096, until: .now)
        } catch {
            return error == .timedOut ? nil : try outcomeUntold(by: error)
        }
        guard case .ended(let status) = ChildStatus(message) else { return nil }
        return status == .unknown ? try outcomeUntold(by: nil) : status
    }

    /// What is to be said of an end of which the server has told nothing, or cannot.
    private func outcomeUntold(by error: FramingError?) throws(ForkServerError) -> ExitStatus? {
        #if os(Linux)
            // Whatever it is that the server cannot tell, the kernel does.
            hasLostServer.withLock { $0 = true }
            return nil
        #else
            if let error, !error.isDisconnection { throw .connection(error) }
            return .unknown
        #endif
    }
}

extension ChildProcess: Waitable {
    /// For `wait(for:until:)`: a child is ready when it has ended.
    public func beginWaiting() throws(FramingError) -> WaitedDescriptor {
        #if os(Linux)
            WaitedDescriptor(process.descriptor)
        #else
            WaitedDescriptor(
                owning: try status.withDescriptor { descriptor throws(FramingError) in
                    try framing { () throws(Errno) in try descriptor.duplicate() }
                })
        #endif
    }
}
