import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How a file is opened. See open(2).
public struct OpenOptions: OptionSet, Sendable {
    /// The flags, as open(2) has them.
    public let rawValue: CInt
    /// Flags of open(2), with those that have no name here.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// The corresponding C constant is `O_RDONLY`.
    public static var readOnly: OpenOptions { OpenOptions(rawValue: O_RDONLY) }
    /// The corresponding C constant is `O_WRONLY`.
    public static var writeOnly: OpenOptions { OpenOptions(rawValue: O_WRONLY) }
    /// The corresponding C constant is `O_RDWR`.
    public static var readWrite: OpenOptions { OpenOptions(rawValue: O_RDWR) }
    /// The corresponding C constant is `O_CREAT`.
    public static var create: OpenOptions { OpenOptions(rawValue: O_CREAT) }
    /// The corresponding C constant is `O_EXCL`.
    public static var exclusive: OpenOptions { OpenOptions(rawValue: O_EXCL) }
    /// The corresponding C constant is `O_TRUNC`.
    public static var truncate: OpenOptions { OpenOptions(rawValue: O_TRUNC) }
    /// The corresponding C constant is `O_APPEND`.
    public static var append: OpenOptions { OpenOptions(rawValue: O_APPEND) }
    /// The corresponding C constant is `O_NONBLOCK`.
    public static var nonBlocking: OpenOptions { OpenOptions(rawValue: O_NONBLOCK) }
    /// The corresponding C constant is `O_NOFOLLOW`.
    public static var noFollow: OpenOptions { OpenOptions(rawValue: O_NOFOLLOW) }
    /// The corresponding C constant is `O_DIRECTORY`.
    public static var directory: OpenOptions { OpenOptions(rawValue: O_DIRECTORY) }
}

extension OwnedFileDescriptor {
    /// Opens a file, close-on-exec.
    ///
    /// - Parameter permissions: The mode of a file that is created, before the umask.
    ///
    /// The corresponding C function is `open`.
    public static func open(
        _ path: String, _ options: OpenOptions, permissions: mode_t = 0o666
    ) throws(Errno) -> OwnedFileDescriptor {
        OwnedFileDescriptor(
            owning: try retryingOnInterrupt { csys_open(path, options.rawValue, permissions) })
    }
}

extension OwnedFileDescriptor {
    /// Opens a file whose path need not be UTF-8, close-on-exec.
    ///
    /// - Parameter path: Its bytes, as the kernel has them, without a NUL.
    ///
    /// The corresponding C function is `open`.
    public static func open(
        _ path: [UInt8], _ options: OpenOptions, permissions: mode_t = 0o666
    ) throws(Errno) -> OwnedFileDescriptor {
        let path = path.map { CChar(bitPattern: $0) } + [0]
        return OwnedFileDescriptor(owning: try retryingOnInterrupt { csys_open(path, options.rawValue, permissions) })
    }
}
