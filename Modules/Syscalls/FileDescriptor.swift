#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A borrowed file descriptor: a number that somebody else owns and closes.
///
/// It closes nothing, and using it after its owner has closed it is the same mistake as in C. Whoever is to close a
/// descriptor holds an `OwnedFileDescriptor`.
public struct FileDescriptor: RawRepresentable, Hashable, Sendable {
    public let rawValue: CInt

    public init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    public static var standardInput: FileDescriptor { FileDescriptor(rawValue: STDIN_FILENO) }
    public static var standardOutput: FileDescriptor { FileDescriptor(rawValue: STDOUT_FILENO) }
    public static var standardError: FileDescriptor { FileDescriptor(rawValue: STDERR_FILENO) }
}

extension FileDescriptor: CustomStringConvertible {
    public var description: String { "descriptor \(rawValue)" }
}
