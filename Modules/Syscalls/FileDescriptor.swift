#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A borrowed file descriptor: a number that somebody else owns and closes.
///
/// It closes nothing, and using it after its owner has closed it is the same mistake as in C. Whoever is to close a
/// descriptor holds an `OwnedFileDescriptor`. See open(2).
@frozen public struct FileDescriptor: RawRepresentable, Hashable, Sendable {
    /// The number that C calls take. See open(2).
    public let rawValue: CInt

    /// Borrows a descriptor from C, which goes on owning it. See open(2).
    @inlinable public init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    /// The corresponding C constant is `STDIN_FILENO`.
    public static var standardInput: FileDescriptor { FileDescriptor(rawValue: STDIN_FILENO) }
    /// The corresponding C constant is `STDOUT_FILENO`.
    public static var standardOutput: FileDescriptor { FileDescriptor(rawValue: STDOUT_FILENO) }
    /// The corresponding C constant is `STDERR_FILENO`.
    public static var standardError: FileDescriptor { FileDescriptor(rawValue: STDERR_FILENO) }
}

extension FileDescriptor: CustomStringConvertible {
    /// The number, for messages.
    public var description: String { "descriptor \(rawValue)" }
}
