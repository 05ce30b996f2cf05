import CSyscalls
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The most descriptors that the kernel takes with one message (SCM_MAX_FD on Linux).
public let maximumDescriptorsPerMessage = Int(CSYS_MAX_DESCRIPTORS)

extension FileDescriptor {
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
        _ parts: UnsafeBufferPointer<iovec>, passing descriptors: UnsafeBufferPointer<CInt>, waiting: Bool = true
    ) throws(Errno) -> Int {
        try retryingOnInterrupt {
            csys_send_descriptors(
                rawValue, parts.baseAddress, parts.count, descriptors.baseAddress, descriptors.count,
                waiting ? 0 : CInt(MSG_DONTWAIT))
        }
    }

    /// Receives bytes, and whatever descriptors come with them, with one call on a Unix socket.
    ///
    /// - Parameters:
    ///   - batch: Where the descriptors go; they are owned at once, and close-on-exec.
    ///   - limit: How many descriptors are allowed.
    ///   - waiting: Whether to wait while there is nothing; otherwise that is EAGAIN.
    /// - Returns: How many bytes came; 0 is the end of the stream.
    /// - Throws: `FDPassingError`; what arrived with the message is closed then, and its bytes are lost.
    ///
    /// The corresponding C function is `recvmsg`.
    package func receive(
        into buffer: UnsafeMutableRawBufferPointer, descriptors batch: inout DescriptorBatch, limit: Int,
        waiting: Bool = true
    ) throws(FDPassingError) -> Int {
        try withUnsafeTemporaryAllocation(of: CInt.self, capacity: maximumDescriptorsPerMessage) {
            numbers throws(FDPassingError) in
            var count = 0
            var flags: CInt = 0
            var unexpected: CInt = 0
            let received: Int
            do throws(Errno) {
                received = try retryingOnInterrupt {
                    flags = waiting ? 0 : CInt(MSG_DONTWAIT)
                    return csys_receive_descriptors(
                        rawValue, buffer.baseAddress, buffer.count, numbers.baseAddress, numbers.count, &count, &flags,
                        &unexpected)
                }
            } catch {
                throw .system(error)
            }
            if count == 0, flags & csys_msg_ctrunc == 0, unexpected == 0 { return received }
            // Owned from here on, also when one of the checks throws.
            let arrived = DescriptorBatch(owning: Array(numbers[..<count]))
            if flags & csys_msg_ctrunc != 0 { throw .truncated(arrived: count) }
            if unexpected != 0 { throw .unexpectedControlMessage }
            if count > limit { throw .tooMany(limit: limit, arrived: count) }
            batch.append(contentsOf: arrived)
            return received
        }
    }
}
