#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file descriptor that is closed exactly once: when its owner goes, or by `close()`.
///
/// Operations are on the borrowed `descriptor`, which is valid for as long as this value lives. See close(2).
public struct OwnedFileDescriptor: ~Copyable, Sendable {
    private let rawValue: CInt

    /// Takes over a descriptor from C.
    ///
    /// - Parameter rawValue: An open descriptor that nobody else is going to close. `-1` is a programmer's error.
    ///
    /// See close(2).
    public init(owning rawValue: CInt) {
        precondition(rawValue >= 0, "\(rawValue) is no descriptor: check the result of the call that made it")
        self.rawValue = rawValue
    }

    deinit {
        // POSIX leaves the descriptor's state open after EINTR; Linux and Darwin have closed it: never again.
        _ = closeDescriptor(rawValue)
    }

    /// The borrowed descriptor, for calls. Do not keep it beyond this value's life. See open(2).
    ///
    /// Ask a variable for it: that of `try OwnedFileDescriptor.open(path, .readOnly).descriptor` is closed at once, and so is
    /// that of `optional?.descriptor`, which ends the value of a constant.
    public var descriptor: FileDescriptor { FileDescriptor(rawValue: rawValue) }

    /// Closes now and reports a failure, which for files on some file systems means lost data.
    ///
    /// The descriptor is gone in either case. The corresponding C function is `close`.
    public consuming func close() throws(Errno) {
        let result = closeDescriptor(take())
        if result == -1, Errno.current != .interrupted { throw Errno.current }
    }

    /// Closes now, where a failure would tell nothing: sockets, pipes, files that were only read. The corresponding C
    /// function is `close`.
    public consuming func discard() {}

    /// Gives the descriptor up: the caller closes it. See close(2).
    public consuming func take() -> CInt {
        let rawValue = rawValue
        discard self
        return rawValue
    }

    /// A second descriptor for the same open file, close-on-exec.
    ///
    /// The corresponding C function is `fcntl` with `F_DUPFD_CLOEXEC`.
    public borrowing func duplicate() throws(Errno) -> OwnedFileDescriptor {
        try descriptor.duplicate()
    }
}

/// The C function, under a name that the method does not hide.
private func closeDescriptor(_ descriptor: CInt) -> CInt {
    close(descriptor)
}
