import CSyscalls
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The most descriptors that the kernel takes with one message (SCM_MAX_FD on Linux).
public let maximumDescriptorsPerMessage = Int(CSYS_MAX_DESCRIPTORS)

/// Bytes that came over a Unix socket, and the descriptors that came beside them.
@frozen public struct ReceivedMessage: ~Copyable, Sendable {
    /// As many as were asked for.
    public var bytes: [UInt8]
    /// In the order in which they were sent.
    public var descriptors: DescriptorBatch
}

extension FileDescriptor {
    /// Sends bytes, and any number of descriptors beside them, over a Unix stream socket.
    ///
    /// More descriptors than the kernel takes at once travel in several batches, each beside a byte of its own. Blocks while
    /// the socket is full. What the receiver has to know is how many bytes and descriptors there are.
    /// - Parameters:
    ///   - bytes: At least one byte for each `maximumDescriptorsPerMessage` descriptors.
    ///   - descriptors: They stay the caller's.
    /// - Throws: `Errno`; a vanished peer is `.brokenPipe`, never a signal. `.invalidArgument` for too few bytes.
    ///
    /// The corresponding C function is `sendmsg`.
    public func send(_ bytes: [UInt8], passing descriptors: [FileDescriptor]) throws(Errno) {
        let batches = (descriptors.count + maximumDescriptorsPerMessage - 1) / maximumDescriptorsPerMessage
        guard batches <= bytes.count else { throw .invalidArgument }
        var rest = descriptors.span
        var sent = 0
        while sent < bytes.count {
            let batch = rest.extracting(first: maximumDescriptorsPerMessage)
            rest = rest.extracting(droppingFirst: batch.count)
            // A byte for each batch but the last, which has the rest.
            let end = rest.isEmpty ? bytes.count : sent + 1
            sent += try send(bytes.span.bytes.extracting(sent..<end), passing: batch)
        }
    }

    /// Receives so many bytes, and the descriptors that come beside them, from a Unix stream socket.
    ///
    /// - Parameters:
    ///   - count: Bytes; no more are read, so that what follows is left alone.
    ///   - descriptors: How many must come.
    /// - Throws: `FDPassingError`; every descriptor that had arrived is closed then.
    ///
    /// The corresponding C function is `recvmsg`.
    public func receive(_ count: Int, descriptors: Int) throws(FDPassingError) -> ReceivedMessage {
        var batch = DescriptorBatch()
        let bytes = try Self.array(capacity: count) { buffer throws(FDPassingError) in
            var filled = 0
            while filled < count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                let received = try receive(into: rest, descriptors: &batch, limit: descriptors - batch.count)
                if received == 0 { throw .endOfStream }
                filled += received
            }
            return filled
        }
        guard batch.count == descriptors else { throw .wrongCount(expected: descriptors, arrived: batch.count) }
        return ReceivedMessage(bytes: bytes, descriptors: batch)
    }

    /// Takes one message off a Unix datagram socket, without waiting.
    ///
    /// - Parameters:
    ///   - count: The most bytes; the rest of a longer message is lost.
    ///   - limit: The most descriptors that it may carry.
    /// - Throws: `FDPassingError`, `.system(.resourceTemporarilyUnavailable)` when there is none; every descriptor that had
    ///   arrived is closed then.
    ///
    /// The corresponding C function is `recvmsg`.
    package func receiveDatagram(upTo count: Int, descriptorLimit limit: Int) throws(FDPassingError) -> ReceivedMessage
    {
        var batch = DescriptorBatch()
        let bytes = try Self.array(capacity: count) { buffer throws(FDPassingError) in
            try receive(into: buffer, descriptors: &batch, limit: limit, waiting: false)
        }
        return ReceivedMessage(bytes: bytes, descriptors: batch)
    }

    /// Sends bytes, and descriptors beside the first of them, with one call on a Unix socket. See the overload for several parts.
    package func send(
        _ bytes: RawSpan, passing descriptors: Span<FileDescriptor>, waiting: Bool = true
    ) throws(Errno) -> Int {
        try bytes.withUnsafeBytes { bytes throws(Errno) in
            var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return try withUnsafePointer(to: &part) { part throws(Errno) in
                try send(UnsafeBufferPointer(start: part, count: 1), passing: descriptors, waiting: waiting)
            }
        }
    }

    /// Sends bytes, and descriptors beside the first of them, with one call on a Unix socket.
    ///
    /// - Parameters:
    ///   - parts: At least one byte in all when there are descriptors.
    ///   - descriptors: At most `maximumDescriptorsPerMessage`; they stay the caller's.
    ///   - waiting: Whether to wait while the socket is full; otherwise that is EAGAIN.
    /// - Returns: How many bytes the kernel took; when it took any, it took all of the descriptors.
    ///
    /// A vanished peer is `Errno.brokenPipe`, never a signal. The corresponding C function is `sendmsg`.
    package func send(
        _ parts: UnsafeBufferPointer<iovec>, passing descriptors: Span<FileDescriptor>, waiting: Bool = true
    ) throws(Errno) -> Int {
        try descriptors.withUnsafeBufferPointer { descriptors throws(Errno) in
            // A descriptor is its number and nothing else.
            try descriptors.withMemoryRebound(to: CInt.self) { numbers throws(Errno) in
                try retryingOnInterrupt {
                    csys_send_descriptors(
                        rawValue, parts.baseAddress, parts.count, numbers.baseAddress, numbers.count,
                        waiting ? 0 : CInt(MSG_DONTWAIT))
                }
            }
        }
    }

    /// Receives bytes, and whatever descriptors come with them, with one call on a Unix socket.
    ///
    /// - Parameters:
    ///   - batch: Where the descriptors go; they are owned at once, and close-on-exec.
    ///   - limit: How many descriptors are allowed.
    ///   - credentials: Where the sender's credentials go; where they are not wanted, they are an error.
    ///   - truncated: Set when descriptors were lost because this process may open no more; without it that is an error.
    ///   - waiting: Whether to wait while there is nothing; otherwise that is EAGAIN.
    ///   - peeking: Whether to leave it all where it is; the descriptors are duplicates then.
    /// - Returns: How many bytes came; 0 is the end of the stream.
    /// - Throws: `FDPassingError`; what arrived with the message is closed then, and its bytes are lost.
    ///
    /// The corresponding C function is `recvmsg`.
    package func receive(
        into buffer: UnsafeMutableRawBufferPointer, descriptors batch: inout DescriptorBatch, limit: Int,
        credentials: UnsafeMutablePointer<csys_credentials>? = nil, truncated: UnsafeMutablePointer<Bool>? = nil,
        waiting: Bool = true, peeking: Bool = false
    ) throws(FDPassingError) -> Int {
        try withUnsafeTemporaryAllocation(of: CInt.self, capacity: maximumDescriptorsPerMessage) {
            numbers throws(FDPassingError) in
            var count = 0
            var flags: CInt = 0
            var unexpected: CInt = 0
            let received: Int
            do throws(Errno) {
                received = try retryingOnInterrupt {
                    flags = (waiting ? 0 : CInt(MSG_DONTWAIT)) | (peeking ? CInt(MSG_PEEK) : 0)
                    return csys_receive_descriptors(
                        rawValue, buffer.baseAddress, buffer.count, numbers.baseAddress, numbers.count, &count, &flags,
                        &unexpected, credentials)
                }
            } catch {
                throw .system(error)
            }
            if count == 0, flags & csys_msg_ctrunc == 0, unexpected == 0 { return received }
            // Owned from here on, also when one of the checks throws.
            let arrived = DescriptorBatch(owning: UnsafeBufferPointer(rebasing: numbers[..<count]))
            if flags & csys_msg_ctrunc != 0 {
                guard let truncated else { throw .truncated(arrived: count) }
                truncated.pointee = true
            }
            if unexpected != 0 { throw .unexpectedControlMessage }
            if count > limit { throw .tooMany(limit: limit, arrived: count) }
            batch.append(contentsOf: arrived)
            return received
        }
    }
}
