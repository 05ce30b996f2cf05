import FDPassing
import Syscalls

extension Connection {
    /// What has come from the peer.
    struct Inbox: ~Copyable {
        var decoder = FrameDecoder()
        var descriptors = DescriptorBatch()
        /// Places among them where others were lost, because this process may open no more.
        var losses: [Int] = []
        /// Set once the stream makes no sense any more.
        var failure: FramingError?

        mutating func takeFirst(_ count: Int) -> DescriptorBatch {
            if !losses.isEmpty { losses = losses.map { $0 - count } }
            return descriptors.takeFirst(count)
        }
    }

    /// Receives the next message.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that it may have.
    ///   - deadline: When to give up; what has come of the message by then is kept for the next call.
    /// - Throws: `FramingError.endOfFile` when the peer has closed, `.endOfStreamDuringMessage` when it did so inside a
    ///   message, `.messageTooLong` before memory is taken for it, `.timedOut`.
    public func receive(limit: Int = .max, until deadline: Deadline? = nil) throws(FramingError) -> [UInt8] {
        let deadline = resolved(deadline)
        let descriptor = try beginReceiving(until: deadline)
        defer { endReceiving() }
        return try nextMessage(limit: limit, from: descriptor, until: deadline)
    }

    /// Receives the next message and what came beside it, before another thread receives one and takes what came with that.
    ///
    /// - Parameter body: Gets the message, and a closure like `receiveDescriptors`. It has to leave the connection alone.
    /// - Throws: What `receive` and the body throw.
    package func receive<Result>(
        limit: Int, until deadline: Deadline?,
        _ body: ([UInt8], (Int) throws(FramingError) -> DescriptorBatch) throws -> Result
    ) throws -> Result {
        let deadline = resolved(deadline)
        let descriptor = try beginReceiving(until: deadline)
        defer { endReceiving() }
        let message = try nextMessage(limit: limit, from: descriptor, until: deadline)
        return try body(message) { count throws(FramingError) in try takeDescriptors(count) }
    }

    private func nextMessage(
        limit: Int, from descriptor: FileDescriptor, until deadline: Deadline
    ) throws(FramingError) -> [UInt8] {
        do throws(FramingError) {
            while true {
                if let message = try inbox.decoder.next(limit: limit) { return message }
                try fill(from: descriptor, until: deadline)
            }
        } catch {
            throw noted(error)
        }
    }

    /// Receives the next message into a buffer.
    ///
    /// - Parameters:
    ///   - buffer: Where its bytes go.
    ///   - offset: Where in the buffer they begin.
    ///   - limit: The most bytes that it may have, however large the buffer is.
    ///   - deadline: When to give up; what has come of the message by then is kept for the next call.
    /// - Returns: The message's number of bytes.
    /// - Throws: `FramingError.bufferTooShort`, which carries the whole message; and what `receive` throws.
    public func receive(
        into buffer: inout MutableRawSpan, offset: Int = 0, limit: Int = .max, until deadline: Deadline? = nil
    ) throws(FramingError) -> Int {
        precondition(
            (0...buffer.byteCount).contains(offset),
            "offset \(offset) is outside the \(buffer.byteCount) bytes of buffer")
        let deadline = resolved(deadline)
        let descriptor = try beginReceiving(until: deadline)
        defer { endReceiving() }
        return try buffer.withUnsafeMutableBytes { buffer throws(FramingError) in
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[offset...])
            do throws(FramingError) {
                while true {
                    if let count = try inbox.decoder.next(into: room, limit: limit) { return count }
                    try fill(from: descriptor, until: deadline)
                }
            } catch {
                throw noted(error)
            }
        }
    }

    /// Whether `receive` would find something at once: a message, a part of one, or the end.
    ///
    /// - Parameter deadline: How long to wait for it; by default not at all.
    /// - Returns: `false` when nothing has come by the deadline.
    public func poll(until deadline: Deadline = .now) throws(FramingError) -> Bool {
        let descriptor: FileDescriptor
        do throws(FramingError) {
            descriptor = try beginReceiving(until: deadline)
        } catch {
            if error == .timedOut { return false }
            throw error
        }
        defer { endReceiving() }
        if inbox.decoder.bufferedByteCount > 0 { return true }
        do throws(Errno) {
            return try !descriptor.wait(for: .readable, until: deadline).isEmpty
        } catch {
            throw .system(error)
        }
    }

    /// Takes descriptors that came with the messages received so far, in their order.
    ///
    /// - Parameter count: How many; the message says it.
    /// - Throws: `FramingError.missingDescriptors` when fewer have come; they stay. `.descriptors(.truncated)` when this process was
    ///   at its limit of open files as they came: the message's others are closed. Later messages are not concerned, unless it has
    ///   more descriptors than the kernel takes at once.
    public func receiveDescriptors(_ count: Int) throws(FramingError) -> DescriptorBatch {
        _ = receiving.lock(until: .never)
        defer { receiving.unlock() }
        return try takeDescriptors(count)
    }

    private func takeDescriptors(_ count: Int) throws(FramingError) -> DescriptorBatch {
        if let place = inbox.losses.first, place < count {
            inbox.losses.removeFirst()
            _ = inbox.takeFirst(place)
            let error = FramingError.descriptors(.truncated(arrived: place))
            // More of them come in several parts, and nobody knows which others belong to the message.
            if count > maximumDescriptorsPerMessage { inbox.failure = error }
            throw error
        }
        guard (0...inbox.descriptors.count).contains(count) else {
            throw .missingDescriptors(expected: count, arrived: inbox.descriptors.count)
        }
        return inbox.takeFirst(count)
    }

    /// Bytes that were read from the descriptor and not received yet; 0 while another thread is receiving.
    public var bufferedByteCount: Int {
        guard receiving.lock(until: .now) else { return 0 }
        defer { receiving.unlock() }
        return inbox.decoder.bufferedByteCount
    }

    /// Takes in what has come, without waiting, and lets `body` see each complete message.
    ///
    /// For event loops.
    ///
    /// - Parameter toEnd: Whether to read until there is nothing more. A loop that is told of what is left can do without: behind
    ///   each message with descriptors the kernel makes a break, and looking what comes after it is a call more.
    /// - Throws: What `receive` throws, after the messages before it were seen.
    package func receiveAvailable(
        limit: Int = .max, toEnd: Bool = true, _ body: ([UInt8]) throws(FramingError) -> Void
    ) throws(FramingError) {
        var mayBeMore = true
        while mayBeMore {
            do throws(FramingError) {
                mayBeMore = try fillAvailable() && toEnd
            } catch {
                if error != .timedOut { throw error }
                mayBeMore = false
            }
            // The body may ask for descriptors, so it runs without the turn to receive.
            while let message = try nextBuffered(limit: limit) { try body(message) }
        }
    }

    private func fillAvailable() throws(FramingError) -> Bool {
        let descriptor = try beginReceiving(until: .now)
        defer { endReceiving() }
        do throws(FramingError) { return try fill(from: descriptor, until: .now) } catch { throw noted(error) }
    }

    private func nextBuffered(limit: Int) throws(FramingError) -> [UInt8]? {
        _ = try beginReceiving(until: .now)
        defer { endReceiving() }
        do throws(FramingError) { return try inbox.decoder.next(limit: limit) } catch { throw noted(error) }
    }

    /// Takes the memory now that the first message would take: for a process that is about to fork, and whose child receives.
    package func prepareReceiving() {
        _ = receiving.lock(until: .never)
        defer { receiving.unlock() }
        inbox.decoder.allocateBuffer()
    }

    // MARK: The turn

    /// Takes the turn to receive, until `endReceiving`.
    private func beginReceiving(until deadline: Deadline) throws(FramingError) -> FileDescriptor {
        guard isReadable else { throw .notReadable }
        guard receiving.lock(until: deadline) else { throw isClosed ? .closed : .timedOut }
        do throws(FramingError) {
            let descriptor = try closable.beginUse()
            guard inbox.failure != nil else { return descriptor }
            closable.endUse()
            throw inbox.failure!
        } catch {
            receiving.unlock()
            throw error
        }
    }

    private func endReceiving() {
        closable.endUse()
        receiving.unlock()
    }

    /// What to say of an error; remembers one that ends the stream.
    private func noted(_ error: FramingError) -> FramingError {
        // Closing shuts a socket down, which looks as if the peer had closed.
        if isClosed { return .closed }
        if error.endsStream { inbox.failure = error }
        return error
    }

    // MARK: Reading

    /// Reads what is there, at least one byte.
    ///
    /// - Returns: Whether there may be more: the space was filled; or descriptors came, with which the kernel ends a read.
    @discardableResult
    private func fill(from descriptor: FileDescriptor, until deadline: Deadline) throws(FramingError) -> Bool {
        var capacity = 0
        let descriptorCount = inbox.descriptors.count
        let count = try inbox.decoder.fill { space throws(FramingError) in
            capacity = space.count
            return try read(into: space, from: descriptor, until: deadline)
        }
        if count == 0 {
            throw inbox.decoder.isAtBoundary
                ? .endOfFile : .endOfStreamDuringMessage(missing: inbox.decoder.missingByteCount)
        }
        return count == capacity || inbox.descriptors.count > descriptorCount
    }

    private func read(
        into space: UnsafeMutableRawBufferPointer, from descriptor: FileDescriptor, until deadline: Deadline
    ) throws(FramingError) -> Int {
        while true {
            let failure: Errno
            if isSocket, descriptorLimit > 0 {
                do throws(FDPassingError) {
                    let room = descriptorLimit - inbox.descriptors.count
                    var isTruncated = false
                    let count = try descriptor.receive(
                        into: space, descriptors: &inbox.descriptors, limit: room, truncated: &isTruncated,
                        waiting: deadline == .never)
                    if isTruncated { try noteLoss() }
                    return count
                } catch {
                    guard case .system(let number) = error else { throw .descriptors(error) }
                    failure = number
                }
            } else {
                // A pipe cannot be read without waiting: it is asked first whether it has anything.
                if !isSocket, deadline != .never { try waitUntilReadable(descriptor, until: deadline) }
                do throws(Errno) {
                    return try isSocket
                        ? descriptor.receive(into: space, waiting: deadline == .never) : descriptor.read(into: space)
                } catch {
                    failure = error
                }
            }
            guard failure == .resourceTemporarilyUnavailable else { throw .system(failure) }
            // Nothing there; or another process that shares the stream was faster.
            if deadline.hasPassed { throw .timedOut }
            try waitUntilReadable(descriptor, until: deadline)
        }
    }

    /// Takes note that descriptors were lost after those that have arrived.
    private func noteLoss() throws(FDPassingError) {
        // Nobody seems to take them.
        guard inbox.losses.count < descriptorLimit else { throw .truncated(arrived: inbox.descriptors.count) }
        inbox.losses.append(inbox.descriptors.count)
    }

    private func waitUntilReadable(_ descriptor: FileDescriptor, until deadline: Deadline) throws(FramingError) {
        let readiness: PollEvents
        do throws(Errno) {
            readiness = try descriptor.wait(for: .readable, until: deadline)
        } catch {
            throw .system(error)
        }
        if readiness.isEmpty { throw .timedOut }
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
