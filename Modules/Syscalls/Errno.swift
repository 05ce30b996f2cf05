import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An error number of the C library, thrown by every system call of this module.
///
/// See errno(3).
public struct Errno: Error, RawRepresentable, Hashable, Sendable {
    public let rawValue: CInt

    public init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    /// The calling thread's `errno`, to be read right after the call that failed.
    package static var current: Errno { Errno(rawValue: errno) }
}

extension Errno {
    public static var notPermitted: Errno { Errno(rawValue: EPERM) }
    public static var noSuchFileOrDirectory: Errno { Errno(rawValue: ENOENT) }
    public static var noSuchProcess: Errno { Errno(rawValue: ESRCH) }
    public static var interrupted: Errno { Errno(rawValue: EINTR) }
    public static var ioError: Errno { Errno(rawValue: EIO) }
    public static var badFileDescriptor: Errno { Errno(rawValue: EBADF) }
    public static var noChildProcess: Errno { Errno(rawValue: ECHILD) }
    public static var resourceTemporarilyUnavailable: Errno { Errno(rawValue: EAGAIN) }
    public static var noMemory: Errno { Errno(rawValue: ENOMEM) }
    public static var permissionDenied: Errno { Errno(rawValue: EACCES) }
    public static var fileExists: Errno { Errno(rawValue: EEXIST) }
    public static var notDirectory: Errno { Errno(rawValue: ENOTDIR) }
    public static var isDirectory: Errno { Errno(rawValue: EISDIR) }
    public static var invalidArgument: Errno { Errno(rawValue: EINVAL) }
    public static var tooManyOpenFiles: Errno { Errno(rawValue: EMFILE) }
    public static var tooManyOpenFilesInSystem: Errno { Errno(rawValue: ENFILE) }
    public static var noSpace: Errno { Errno(rawValue: ENOSPC) }
    public static var illegalSeek: Errno { Errno(rawValue: ESPIPE) }
    public static var brokenPipe: Errno { Errno(rawValue: EPIPE) }
    public static var outOfRange: Errno { Errno(rawValue: ERANGE) }
    public static var nameTooLong: Errno { Errno(rawValue: ENAMETOOLONG) }
    public static var notImplemented: Errno { Errno(rawValue: ENOSYS) }
    public static var noData: Errno { Errno(rawValue: ENODATA) }
    public static var protocolError: Errno { Errno(rawValue: EPROTO) }
    public static var messageTooLong: Errno { Errno(rawValue: EMSGSIZE) }
    public static var notSocket: Errno { Errno(rawValue: ENOTSOCK) }
    public static var notSupported: Errno { Errno(rawValue: ENOTSUP) }
    public static var addressInUse: Errno { Errno(rawValue: EADDRINUSE) }
    public static var addressNotAvailable: Errno { Errno(rawValue: EADDRNOTAVAIL) }
    public static var connectionAborted: Errno { Errno(rawValue: ECONNABORTED) }
    public static var connectionReset: Errno { Errno(rawValue: ECONNRESET) }
    public static var connectionRefused: Errno { Errno(rawValue: ECONNREFUSED) }
    public static var notConnected: Errno { Errno(rawValue: ENOTCONN) }
    public static var timedOut: Errno { Errno(rawValue: ETIMEDOUT) }
    public static var operationInProgress: Errno { Errno(rawValue: EINPROGRESS) }
}

extension Errno: CustomStringConvertible {
    /// The C library's message for the number, and the number itself: `Broken pipe (errno 32)`.
    ///
    /// The corresponding C function is `strerror_r`.
    public var description: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            buffer.initialize(repeating: 0)
            guard csys_error_message(rawValue, buffer.baseAddress!, buffer.count) == 0 else {
                return "unknown error (errno \(rawValue))"
            }
            return "\(String(cString: buffer.baseAddress!)) (errno \(rawValue))"
        }
    }
}

/// Repeats a system call for as long as a signal handler interrupts it, and turns `-1` into an `Errno`.
///
/// The one place where EINTR is handled. Not for `close`, whose descriptor is gone after EINTR, and not for waits
/// with a relative timeout, which would drift.
@inline(__always)
package func retryingOnInterrupt<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.current
        if error != .interrupted { throw error }
    }
}

/// Turns the `-1` of a call that signals do not interrupt into an `Errno`.
@inline(__always)
@discardableResult
package func checked<Result: SignedInteger>(_ result: Result) throws(Errno) -> Result {
    if result == -1 { throw Errno.current }
    return result
}
