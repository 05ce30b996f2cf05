import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension FileDescriptor {
    // MARK: Reading

    /// Reads what is there, up to the buffer's size.
    ///
    /// - Returns: The number of bytes read; 0 is the end of the file.
    ///
    /// The corresponding C function is `read`.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try retryingOnInterrupt { Self.systemRead(rawValue, buffer.baseAddress, buffer.count) }
    }

    /// Reads what is there, up to the span's size. The corresponding C function is `read`.
    ///
    /// - Returns: The number of bytes read; 0 is the end of the file.
    public func read(into span: inout MutableRawSpan) throws(Errno) -> Int {
        try span.withUnsafeMutableBytes { buffer throws(Errno) in try read(into: buffer) }
    }

    /// Reads what is there, up to `count` bytes, into a fresh array. An empty array is the end of the file.
    ///
    /// The corresponding C function is `read`.
    public func read(upTo count: Int) throws(Errno) -> [UInt8] {
        try Self.array(capacity: count) { buffer throws(Errno) in try read(into: buffer) }
    }

    /// Fills the span, with as many calls as that takes. The corresponding C function is `read`.
    ///
    /// - Throws: `Errno.noData` when the file ends before that.
    public func readExactly(into span: inout MutableRawSpan) throws(Errno) {
        try span.withUnsafeMutableBytes { buffer throws(Errno) in try fill(buffer) }
    }

    /// Reads exactly `count` bytes, with as many calls as that takes.
    ///
    /// - Throws: `Errno.noData` when the file ends before that.
    ///
    /// The corresponding C function is `read`.
    public func readExactly(_ count: Int) throws(Errno) -> [UInt8] {
        try Self.array(capacity: count) { buffer throws(Errno) in
            try fill(buffer)
            return count
        }
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(Errno) {
        var filled = 0
        while filled < buffer.count {
            let received = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if received == 0 { throw .noData }
            filled += received
        }
    }

    /// Reads to the end of the file. The corresponding C function is `read`.
    public func readToEnd() throws(Errno) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let part = try read(upTo: 65536)
            if part.isEmpty { return all }
            all += part
        }
    }

    /// Reads at an offset from the start of the file, leaving the file's own position alone.
    ///
    /// The corresponding C function is `pread`.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
        try retryingOnInterrupt { pread(rawValue, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Reads at an offset from the start of the file, up to the span's size. The corresponding C function is `pread`.
    ///
    /// - Returns: The number of bytes read; 0 at or after the end of the file.
    public func read(into span: inout MutableRawSpan, at offset: Int64) throws(Errno) -> Int {
        try span.withUnsafeMutableBytes { buffer throws(Errno) in try read(into: buffer, at: offset) }
    }

    /// Reads into several buffers, in order. The corresponding C function is `readv`.
    public func read(into parts: [iovec]) throws(Errno) -> Int {
        try retryingOnInterrupt { readv(rawValue, parts, CInt(parts.count)) }
    }

    // MARK: Writing

    /// Writes as much as the kernel takes at once.
    ///
    /// A pipe or socket whose reader is gone is `Errno.brokenPipe`, never a signal.
    /// - Returns: The number of bytes written.
    ///
    /// The corresponding C function is `write`.
    public func write(_ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try writeWithoutSignal(buffer)
    }

    /// Writes as much as the kernel takes at once. The corresponding C function is `write`.
    ///
    /// - Returns: The number of bytes written.
    public func write(_ bytes: RawSpan) throws(Errno) -> Int {
        try bytes.withUnsafeBytes { buffer throws(Errno) in try write(buffer) }
    }

    /// Writes all of the bytes, with as many calls as that takes.
    ///
    /// - Throws: What `write` throws; some of the bytes may have been written then. On a non-blocking descriptor that is
    ///   full, `Errno.resourceTemporarilyUnavailable`.
    ///
    /// The corresponding C function is `write`.
    public func writeAll(_ buffer: UnsafeRawBufferPointer) throws(Errno) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let written = try writeWithoutSignal(UnsafeRawBufferPointer(rebasing: rest))
            rest = rest.dropFirst(written)
        }
    }

    /// Writes all of the bytes, with as many calls as that takes. The corresponding C function is `write`.
    public func writeAll(_ bytes: RawSpan) throws(Errno) {
        try bytes.withUnsafeBytes { buffer throws(Errno) in try writeAll(buffer) }
    }

    /// Writes all of the bytes, with as many calls as that takes. The corresponding C function is `write`.
    public func writeAll(_ bytes: [UInt8]) throws(Errno) {
        try writeAll(bytes.span.bytes)
    }

    /// Writes all of the text as UTF-8. The corresponding C function is `write`.
    public func writeAll(_ text: String) throws(Errno) {
        try writeAll(Array(text.utf8))
    }

    /// Writes at an offset from the start of the file. The corresponding C function is `pwrite`.
    public func write(_ buffer: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
        try retryingOnInterrupt { pwrite(rawValue, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Writes at an offset from the start of the file. The corresponding C function is `pwrite`.
    ///
    /// - Returns: The number of bytes written.
    public func write(_ bytes: RawSpan, at offset: Int64) throws(Errno) -> Int {
        try bytes.withUnsafeBytes { buffer throws(Errno) in try write(buffer, at: offset) }
    }

    /// Writes several buffers in order, as one write where the kernel takes it. The corresponding C function is `writev`.
    public func write(_ parts: [iovec]) throws(Errno) -> Int {
        try parts.withUnsafeBufferPointer { parts throws(Errno) in try writeWithoutSignal(parts) }
    }

    // MARK: The descriptor itself

    /// A second descriptor for the same open file, close-on-exec.
    ///
    /// - Parameter minimum: The lowest number it may get.
    ///
    /// The corresponding C function is `fcntl` with `F_DUPFD_CLOEXEC`.
    public func duplicate(atLeast minimum: CInt = 0) throws(Errno) -> OwnedFileDescriptor {
        OwnedFileDescriptor(owning: try retryingOnInterrupt { csys_fcntl(rawValue, F_DUPFD_CLOEXEC, minimum) })
    }

    /// Makes another descriptor's number stand for this open file; what it stood for is closed. Not close-on-exec.
    ///
    /// For the standard streams; other numbers have owners. The corresponding C function is `dup2`.
    public func duplicate(onto other: FileDescriptor) throws(Errno) {
        _ = try retryingOnInterrupt { dup2(rawValue, other.rawValue) }
    }

    /// Makes another descriptor's number stand for this open file, close-on-exec; what it stood for is closed. The corresponding C
    /// function is `dup3`.
    package func duplicateClosingOnExec(onto other: FileDescriptor) throws(Errno) {
        _ = try retryingOnInterrupt { csys_duplicate_onto(rawValue, other.rawValue) }
    }

    /// Whether the descriptor is open. The corresponding C function is `fcntl` with `F_GETFD`.
    public var isOpen: Bool { csys_fcntl(rawValue, F_GETFD, 0) != -1 }

    /// Whether an exec of another program keeps the descriptor. The corresponding C function is `fcntl` with `F_GETFD`.
    public func isCloseOnExec() throws(Errno) -> Bool {
        try checked(csys_fcntl(rawValue, F_GETFD, 0)) & FD_CLOEXEC != 0
    }

    /// Sets or clears close-on-exec. The corresponding C function is `fcntl` with `F_SETFD`.
    public func setCloseOnExec(_ on: Bool) throws(Errno) {
        try checked(csys_fcntl(rawValue, F_SETFD, on ? FD_CLOEXEC : 0))
    }

    /// The status flags (`O_NONBLOCK`, `O_APPEND`, the access mode). The corresponding C function is `fcntl` with `F_GETFL`.
    public func statusFlags() throws(Errno) -> OpenOptions {
        OpenOptions(rawValue: try checked(csys_fcntl(rawValue, F_GETFL, 0)))
    }

    /// Makes reads and writes wait (`true`) or fail with EAGAIN (`false`).
    ///
    /// The mode belongs to the open file and so to every process that shares it.
    /// The corresponding C function is `fcntl` with `F_SETFL`.
    public func setBlocking(_ blocking: Bool) throws(Errno) {
        let flags = try statusFlags().rawValue
        let wanted = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK
        if wanted != flags { try checked(csys_fcntl(rawValue, F_SETFL, wanted)) }
    }

    /// What kind of file it is, its size, owner and identity. The corresponding C function is `fstat`.
    public func status() throws(Errno) -> FileStatus {
        var information = stat()
        _ = try retryingOnInterrupt { fstat(rawValue, &information) }
        return FileStatus(information)
    }

    /// Whether it is a terminal. The corresponding C function is `isatty`.
    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// What an offset in a file counts from. See lseek(2).
    public enum SeekOrigin: Sendable {
        case start, current, end

        fileprivate var whence: CInt {
            switch self {
            case .start: SEEK_SET
            case .current: SEEK_CUR
            case .end: SEEK_END
            }
        }
    }

    /// Moves the file's position; tells the new one, from the start. The corresponding C function is `lseek`.
    @discardableResult
    public func seek(to offset: Int64, from origin: SeekOrigin = .start) throws(Errno) -> Int64 {
        Int64(try checked(lseek(rawValue, off_t(offset), origin.whence)))
    }

    /// Sets the file's size in bytes. The corresponding C function is `ftruncate`.
    public func truncate(to size: Int64) throws(Errno) {
        _ = try retryingOnInterrupt { ftruncate(rawValue, off_t(size)) }
    }
}

extension FileDescriptor {
    // The C functions, under names that the methods of the same name do not hide.
    private static func systemRead(_ descriptor: CInt, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, bytes, count)
        #else
            Darwin.read(descriptor, bytes, count)
        #endif
    }

    /// A fresh array of which `fill` initializes as many bytes as it returns.
    // Inlinable: without it each use in another module is an unspecialized generic call.
    @inlinable package static func array<Failure: Error>(
        capacity: Int, fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> [UInt8] {
        guard capacity > 0 else {
            // Array would write the count 0 into the storage that all empty arrays share, which the thread sanitizer reports.
            _ = try fill(UnsafeMutableRawBufferPointer(start: nil, count: 0))
            return []
        }
        // Array's initializer rethrows untyped: the error is carried out by hand.
        var failure: Failure?
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            do throws(Failure) {
                count = try fill(UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
