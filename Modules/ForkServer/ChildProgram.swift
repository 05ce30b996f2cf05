import Framing
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a child of the fork server runs.
///
/// The value travels to the child, with the `PassedDescriptor`s in it, and `run` is called there, in a process with one
/// thread and everything that preloads have left in memory. It is found by its type's name, so the type must not be
/// private or local to a function.
public protocol ChildProgram: Codable, Sendable {
    /// Runs in the child. The process exits with code 0 when it returns; when it throws, the error is written to standard
    /// error and the code is 1.
    func run(in child: ChildContext) throws
}

/// What a child knows of itself.
public struct ChildContext: Sendable {
    /// How many descriptors that came with messages may wait to be taken, at either end of `connection`.
    public static let descriptorLimit = 4096

    /// The process that asked for this child.
    public let clientProcess: ProcessID
    /// Messages to and from `ChildProcess.connection` in that process. It ends when the `ChildProcess` goes.
    public let connection: Connection

    /// The fork server makes it; programs do so to test theirs without a server.
    public init(clientProcess: ProcessID, connection: Connection) {
        self.clientProcess = clientProcess
        self.connection = connection
    }

    /// Leaves the child with an exit code, after writing out what the standard streams hold.
    ///
    /// Exit handlers do not run: they are the server's.
    public func exit(_ code: CInt) -> Never {
        flushStandardStreams()
        exitImmediately(code)
    }
}
