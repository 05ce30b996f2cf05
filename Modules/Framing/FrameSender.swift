import FDPassing
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension FileDescriptor {
    /// Sends one message over a stream socket, as `Connection.send` does, where nobody else sends over it: without a connection.
    package func sendFrame(
        _ message: RawSpan, passing descriptors: Span<FileDescriptor> = Span()
    ) throws(FramingError) {
        var progress = SendProgress()
        try FrameSender(descriptor: self, isSocket: true, deadline: .never)
            .send(message, passing: descriptors, progress: &progress)
    }
}

/// How far a message has got on its way out (see `Connection.send(_:passing:progress:until:)`).
public struct SendProgress: Hashable, Sendable {
    /// Bytes that the kernel has taken, of header and message together.
    public internal(set) var sent = 0
    /// Descriptors that the kernel has taken.
    public internal(set) var passed = 0

    /// Not begun.
    public init() {}
}

/// Writes one frame: header and payload in one call; large ones without copying them together.
struct FrameSender {
    let descriptor: FileDescriptor
    let isSocket: Bool
    let deadline: Deadline

    /// Writes what is left of the frame.
    ///
    /// - Parameter progress: How far earlier calls for the same frame got; tells how far this one got, also when it throws.
    /// - Throws: `FramingError.timedOut` when the deadline passes first.
    @inline(__always) func send(
        _ message: RawSpan, passing descriptors: Span<FileDescriptor>, progress: inout SendProgress
    ) throws(FramingError) {
        if isSocket, descriptors.isEmpty, progress.sent == 0, message.byteCount <= Self.smallMessage {
            progress.sent = try sendTogether(message)
            if progress.sent == Self.shortHeader + message.byteCount { return }
        }
        try sendInParts(message, passing: descriptors, progress: &progress)
    }

    private func sendInParts(
        _ message: RawSpan, passing descriptors: Span<FileDescriptor>, progress: inout SendProgress
    ) throws(FramingError) {
        let header = FrameHeader(length: message.byteCount)
        // The descriptors of a batch beyond the first ride on further bytes: one each, and the rest on the last.
        let batches = (descriptors.count + maximumDescriptorsPerMessage - 1) / maximumDescriptorsPerMessage
        let total = header.byteCount + message.byteCount
        guard batches <= total else {
            throw .messageTooShortForDescriptors(bytes: message.byteCount, descriptors: descriptors.count)
        }
        var headerBytes = header.bytes
        try withUnsafeMutableBytes(of: &headerBytes) { headerBytes throws(FramingError) in
            try message.withUnsafeBytes { payload throws(FramingError) in
                while progress.sent < total {
                    let batch = descriptors.extracting(droppingFirst: progress.passed)
                        .extracting(first: maximumDescriptorsPerMessage)
                    let isLastBatch = progress.passed + batch.count == descriptors.count
                    let end = isLastBatch ? total : progress.sent + 1
                    do throws(Errno) {
                        let count = try Self.withParts(headerBytes, header.byteCount, payload, progress.sent..<end) {
                            parts throws(Errno) in try write(parts, batch)
                        }
                        progress.sent += count
                        progress.passed += batch.count
                    } catch {
                        throw error == .timedOut ? .timedOut : .system(error)
                    }
                }
            }
        }
    }

    private static let shortHeader = 4
    /// Up to here copying is cheaper than handing the kernel a list of parts, and needs no heap.
    private static let smallMessage = 1000

    /// Sends header and payload from one place. Returns how much the kernel took; nothing where the open file does not block
    /// and is full, whatever the deadline.
    private func sendTogether(_ message: RawSpan) throws(FramingError) -> Int {
        let length = message.byteCount
        return try withUnsafeTemporaryAllocation(byteCount: Self.shortHeader + length, alignment: 4) {
            frame throws(FramingError) in
            frame.storeBytes(of: UInt32(length).bigEndian, as: UInt32.self)
            message.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: frame[Self.shortHeader...]).copyMemory(from: $0)
            }
            do throws(Errno) {
                return try descriptor.send(UnsafeRawBufferPointer(frame).bytes, until: deadline)
            } catch {
                if error == .resourceTemporarilyUnavailable { return 0 }
                throw error == .timedOut ? .timedOut : .system(error)
            }
        }
    }

    /// Writes some of the parts. EAGAIN is waited out until the deadline.
    private func write(
        _ parts: UnsafeBufferPointer<iovec>, _ batch: Span<FileDescriptor>
    ) throws(Errno) -> Int {
        while true {
            do throws(Errno) {
                if isSocket { return try descriptor.send(parts, passing: batch, waiting: deadline == .never) }
                guard batch.isEmpty else { throw .notSocket }
                if deadline == .never { return try descriptor.write(Array(parts)) }
                // A pipe that is writable takes a page without blocking; it has no flag that says "do not wait". Also where
                // this side made it non-blocking: another that shares it may have made it blocking since.
                if try descriptor.wait(for: .writable, until: deadline).isEmpty { throw .timedOut }
                return try descriptor.write(Self.firstPage(of: parts))
            } catch .resourceTemporarilyUnavailable {
                if deadline.hasPassed { throw .timedOut }
                if try descriptor.wait(for: .writable, until: deadline).isEmpty { throw .timedOut }
            }
        }
    }

    private static func firstPage(of parts: UnsafeBufferPointer<iovec>) -> [iovec] {
        var room = 4096
        return parts.map { part in
            let count = min(room, part.iov_len)
            room -= count
            return iovec(iov_base: part.iov_base, iov_len: count)
        }
    }

    /// The bytes of `range` in header and payload together, as at most two parts.
    private static func withParts<Result>(
        _ header: UnsafeMutableRawBufferPointer, _ headerCount: Int, _ payload: UnsafeRawBufferPointer,
        _ range: Range<Int>, _ body: (UnsafeBufferPointer<iovec>) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { parts throws(Errno) in
            var count = 0
            if range.lowerBound < headerCount {
                parts[0] = iovec(
                    iov_base: header.baseAddress! + range.lowerBound,
                    iov_len: min(headerCount, range.upperBound) - range.lowerBound)
                count = 1
            }
            let start = max(0, range.lowerBound - headerCount)
            let end = range.upperBound - headerCount
            if end > start {
                parts[count] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress! + start), iov_len: end - start)
                count += 1
            }
            return try body(UnsafeBufferPointer(rebasing: parts[..<count]))
        }
    }
}
