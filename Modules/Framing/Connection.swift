import FDPassing
import Synchronization
import Syscalls

/// A connection that carries messages: byte strings with their length before them.
///
/// The format is that of CPython's `multiprocessing.connection` (see `FrameHeader`), so the peer may be a Python program.
/// The connection owns its descriptor. One thread may send while another receives; several that want to do the same wait
/// for each other. Calls block, up to a deadline where one is given; async code uses `AsyncConnection`.
public final class Connection: Sendable {
    private let closable: ClosableDescriptor
    private let inbox: Lock<Inbox>
    private let outbox: Lock<Outbox>
    private let isSocket: Bool

    /// Whether messages can be received.
    public let isReadable: Bool
    /// Whether messages can be sent.
    public let isWritable: Bool
    /// How many descriptors may wait to be taken; more are an error.
    public let descriptorLimit: Int

    private struct Inbox: ~Copyable {
        var decoder = FrameDecoder()
        var descriptors = DescriptorBatch()
        /// Set once the stream makes no sense any more.
        var failure: FramingError?
    }

    private struct Outbox {
        var failure: FramingError?
    }

    /// Makes a connection of a stream socket or of an end of a pipe.
    ///
    /// - Parameters:
    ///   - descriptor: A blocking stream descriptor, owned by the connection from now on.
    ///   - readable: Whether messages will be received.
    ///   - writable: Whether messages will be sent.
    ///   - descriptorLimit: How many descriptors may come with messages (see `receiveDescriptors`). By default none are
    ///     expected, and if any come, they are closed and it is an error.
    public init(
        _ descriptor: consuming OwnedFileDescriptor, readable: Bool = true, writable: Bool = true,
        descriptorLimit: Int = 0
    ) {
        isSocket = (try? descriptor.descriptor.status())?.kind == .socket
        closable = ClosableDescriptor(descriptor)
        isReadable = readable
        isWritable = writable
        self.descriptorLimit = descriptorLimit
        inbox = Lock(Inbox())
        outbox = Lock(Outbox())
    }

    /// Two connections to each other, as CPython's `Pipe`.
    ///
    /// - Parameter duplex: Whether both send and receive; otherwise the first only receives and the second only sends.
    public static func pipe(duplex: Bool = true) throws(FramingError) -> (Connection, Connection) {
        if duplex {
            let pair = try framing { () throws(Errno) in try SocketPair() }
            return (Connection(pair.first), Connection(pair.second))
        }
        let pipe = try framing { () throws(Errno) in try Pipe() }
        return (Connection(pipe.readEnd, writable: false), Connection(pipe.writeEnd, readable: false))
    }

    // MARK: Sending

    /// Sends one message.
    ///
    /// - Parameters:
    ///   - message: Its bytes.
    ///   - descriptors: What travels beside them, on a Unix socket; they stay the caller's. The receiver has to know their
    ///     number from the message.
    ///   - deadline: When to give up.
    /// - Throws: `FramingError.timedOut` when nothing was sent by the deadline, `.partlySent` when a part was;
    ///   `.system(.brokenPipe)` when the peer is gone.
    public func send(
        _ message: RawSpan, passing descriptors: [FileDescriptor] = [], until deadline: Deadline = .never
    ) throws(FramingError) {
        var progress = FrameProgress()
        try send(message, passing: descriptors, progress: &progress, until: deadline)
    }

    /// Sends one message, and tells how far it got, also when it throws.
    package func send(
        _ message: RawSpan, passing descriptors: [FileDescriptor] = [], progress: inout FrameProgress,
        until deadline: Deadline = .never
    ) throws(FramingError) {
        guard isWritable else { throw .notWritable }
        try outbox.withLock { outbox throws(FramingError) in
            try closable.withDescriptor { descriptor throws(FramingError) in
                if let failure = outbox.failure { throw failure }
                let sender = FrameSender(descriptor: descriptor, isSocket: isSocket, deadline: deadline)
                do throws(FramingError) {
                    try sender.send(message, passing: descriptors, progress: &progress)
                } catch {
                    if closable.isClosed { throw FramingError.closed }
                    guard progress.sent > 0 else { throw error }
                    // The peer would take the next frame for the rest of this one.
                    let total = FrameHeader(length: message.byteCount).byteCount + message.byteCount
                    let failure = error == .timedOut ? .partlySent(bytes: progress.sent, of: total) : error
                    outbox.failure = failure
                    throw failure
                }
            }
        }
    }

    /// Sends as much of a message as the kernel takes at once.
    ///
    /// For event loops, which call it again with the same message when the descriptor is writable; nothing else may be sent
    /// in between.
    /// - Returns: Whether all of it has been sent.
    package func sendAvailable(
        _ message: RawSpan, passing descriptors: [FileDescriptor] = [], progress: inout FrameProgress
    ) throws(FramingError) -> Bool {
        try outbox.withLock { outbox throws(FramingError) in
            if let failure = outbox.failure { throw failure }
            return try closable.withDescriptor { descriptor throws(FramingError) in
                let sender = FrameSender(descriptor: descriptor, isSocket: isSocket, deadline: .now)
                do throws(FramingError) {
                    try sender.send(message, passing: descriptors, progress: &progress)
                    return true
                } catch .timedOut {
                    return false
                }
            }
        }
    }

    /// Sends one message.
    public func send(
        _ message: [UInt8], passing descriptors: [FileDescriptor] = [], until deadline: Deadline = .never
    ) throws(FramingError) {
        try send(message.span.bytes, passing: descriptors, until: deadline)
    }

    // MARK: Receiving

    /// Receives the next message.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that it may have.
    ///   - deadline: When to give up; what has come of the message by then is kept for the next call.
    /// - Throws: `FramingError.endOfFile` when the peer has closed, `.endOfStreamDuringMessage` when it did so inside a
    ///   message, `.messageTooLong` before memory is taken for it, `.timedOut`.
    public func receive(limit: Int = .max, until deadline: Deadline = .never) throws(FramingError) -> [UInt8] {
        try withInbox { inbox, descriptor throws(FramingError) in
            while true {
                if let message = try inbox.decoder.next(limit: limit) { return message }
                try fill(&inbox, from: descriptor, until: deadline)
            }
        }
    }

    /// Receives the next message into a buffer.
    ///
    /// - Returns: Its number of bytes.
    /// - Throws: `FramingError.bufferTooShort`, which carries the whole message; and what `receive` throws.
    public func receive(
        into buffer: UnsafeMutableRawBufferPointer, until deadline: Deadline = .never
    ) throws(FramingError) -> Int {
        try withNextMessage(until: deadline) { message throws(FramingError) in
            guard message.count <= buffer.count else { throw .bufferTooShort(message: Array(message)) }
            buffer.copyMemory(from: message)
            return message.count
        }
    }

    /// Lets `body` see the next message where it lies in the connection's memory.
    package func withNextMessage<Result>(
        limit: Int = .max, until deadline: Deadline = .never,
        _ body: (UnsafeRawBufferPointer) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        var outcome: Swift.Result<Result, FramingError>?
        try withInbox { inbox, descriptor throws(FramingError) in
            while outcome == nil {
                outcome = try inbox.decoder.withNext(limit: limit, body)
                if outcome == nil { try fill(&inbox, from: descriptor, until: deadline) }
            }
        }
        return try outcome!.get()
    }

    /// Whether `receive` would find something at once: a message, a part of one, or the end.
    ///
    /// - Returns: `false` when nothing has come by the deadline.
    public func poll(until deadline: Deadline = .now) throws(FramingError) -> Bool {
        try withInbox { inbox, descriptor throws(FramingError) in
            if inbox.decoder.bufferedByteCount > 0 { return true }
            return try framing { () throws(Errno) in try !descriptor.wait(for: .readable, until: deadline).isEmpty }
        }
    }

    /// Takes descriptors that came with the messages received so far, in their order.
    ///
    /// - Parameter count: How many; the message says it.
    /// - Throws: `FramingError.missingDescriptors` when fewer have come; they stay.
    public func receiveDescriptors(_ count: Int) throws(FramingError) -> DescriptorBatch {
        try inbox.withLock { inbox throws(FramingError) in
            guard (0...inbox.descriptors.count).contains(count) else {
                throw .missingDescriptors(expected: count, arrived: inbox.descriptors.count)
            }
            return inbox.descriptors.takeFirst(count)
        }
    }

    // MARK: The descriptor

    /// Closes the connection; every later use is `FramingError.closed`. Safe to call from any thread and again.
    public func close() {
        closable.close()
    }

    public var isClosed: Bool { closable.isClosed }

    /// Runs a call on the connection's descriptor, which stays the connection's.
    ///
    /// - Throws: `FramingError.closed`.
    public func withDescriptor<Result>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        try closable.withDescriptor { descriptor throws(FramingError) in try body(descriptor) }
    }

    /// A second descriptor for the same stream, to wait on. Reading from it would take messages away from the connection.
    package func duplicateDescriptor() throws(FramingError) -> OwnedFileDescriptor {
        try closable.withDescriptor { descriptor throws(FramingError) in
            try framing { () throws(Errno) in try descriptor.duplicate() }
        }
    }

    /// Gives the descriptor up, to be used in another way or sent elsewhere; the connection is closed then.
    ///
    /// - Throws: `FramingError.hasReadAhead` when bytes or descriptors beyond the last message were read already;
    ///   `.closed` when the connection is closed or in use.
    public func takeDescriptor() throws(FramingError) -> OwnedFileDescriptor {
        guard !isClosed else { throw .closed }
        let ahead = inbox.withLock { $0.decoder.bufferedByteCount + $0.descriptors.count }
        guard ahead == 0 else { throw .hasReadAhead(bytes: ahead) }
        guard let descriptor = closable.take() else { throw .closed }
        return descriptor
    }

    /// Bytes that were read from the descriptor and not received yet.
    public var bufferedByteCount: Int { inbox.withLock { $0.decoder.bufferedByteCount } }

    /// Takes in what has come, without waiting, and lets `body` see each complete message.
    ///
    /// For event loops. Returns at the end of what is there.
    /// - Throws: What `receive` throws, after the messages before it were seen.
    package func receiveAvailable(
        limit: Int = .max, _ body: (UnsafeRawBufferPointer) throws(FramingError) -> Void
    ) throws(FramingError) {
        var mayBeMore = true
        while mayBeMore {
            do throws(FramingError) {
                mayBeMore = try withInbox { inbox, descriptor throws(FramingError) in
                    try fill(&inbox, from: descriptor, until: .now)
                }
            } catch {
                if error != .timedOut { throw error }
                mayBeMore = false
            }
            // The body may ask for descriptors, so it runs outside the lock.
            while let message = try withInbox({ inbox, _ throws(FramingError) in try inbox.decoder.next(limit: limit) })
            {
                try message.withUnsafeBufferPointer { bytes throws(FramingError) in
                    try body(UnsafeRawBufferPointer(bytes))
                }
            }
        }
    }

    private func withInbox<Result: ~Copyable>(
        _ body: (inout Inbox, FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        guard isReadable else { throw .notReadable }
        var result: Result?
        try inbox.withLock { inbox throws(FramingError) in
            result = try closable.withDescriptor { descriptor throws(FramingError) in
                if let failure = inbox.failure { throw failure }
                do throws(FramingError) {
                    return try body(&inbox, descriptor)
                } catch {
                    // Closing shuts a socket down, which looks as if the peer had closed.
                    if closable.isClosed { throw FramingError.closed }
                    if error.endsStream { inbox.failure = error }
                    throw error
                }
            }
        }
        return result.take()!
    }

    /// Reads what is there, at least one byte.
    ///
    /// - Returns: Whether there may be more: the space was filled.
    @discardableResult
    private func fill(
        _ inbox: inout Inbox, from descriptor: FileDescriptor, until deadline: Deadline
    ) throws(FramingError) -> Bool {
        // A socket can be asked without waiting; whoever does not want to wait need not ask whether he would have to.
        let asksFirst = deadline != .never && !(isSocket && deadline.hasPassed)
        if asksFirst {
            let readiness = try framing { () throws(Errno) in try descriptor.wait(for: .readable, until: deadline) }
            if readiness.isEmpty { throw .timedOut }
        }
        let room = descriptorLimit - inbox.descriptors.count
        var arrived = DescriptorBatch()
        var capacity = 0
        let count = try inbox.decoder.fill { space throws(FramingError) in
            capacity = space.count
            guard isSocket else { return try framing { () throws(Errno) in try descriptor.read(into: space) } }
            do throws(FDPassingError) {
                return try descriptor.receive(
                    into: space, descriptors: &arrived, limit: room, waiting: deadline == .never)
            } catch {
                guard case .system(let number) = error else { throw .descriptors(error) }
                // Another process that shares the stream may have been faster.
                throw number == .resourceTemporarilyUnavailable ? .timedOut : .system(number)
            }
        }
        if !arrived.isEmpty { inbox.descriptors.append(contentsOf: arrived) }
        if count == 0 {
            throw inbox.decoder.isAtBoundary
                ? .endOfFile : .endOfStreamDuringMessage(missing: inbox.decoder.missingByteCount)
        }
        return count == capacity
    }
}

extension FramingError {
    /// Whether nothing after it can be understood.
    fileprivate var endsStream: Bool {
        switch self {
        case .endOfStreamDuringMessage, .malformedHeader, .messageTooLong, .descriptors: true
        default: false
        }
    }
}
