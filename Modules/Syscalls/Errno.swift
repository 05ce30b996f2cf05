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
    /// The number, as errno(3) has it.
    public let rawValue: CInt

    /// An error number of errno(3), be it the platform's or not.
    @inlinable public init(rawValue: CInt) {
        self.rawValue = rawValue
    }

    /// The calling thread's `errno`, to be read right after the call that failed.
    @inlinable package static var current: Errno { Errno(rawValue: errno) }
}

extension Errno: CustomStringConvertible {
    /// The message and the name: `Broken pipe (EPIPE)`. See strerror(3).
    public var description: String { "\(message) (\(name ?? "errno \(rawValue)"))" }

    /// The C library's message for the number. The corresponding C function is `strerror_r`.
    public var message: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            buffer.initialize(repeating: 0)
            guard csys_error_message(rawValue, buffer.baseAddress!, buffer.count) == 0 else { return "Unknown error" }
            return String(cString: buffer.baseAddress!)
        }
    }
}

/// Repeats a system call for as long as a signal handler interrupts it, and turns `-1` into an `Errno`.
///
/// The one place where EINTR is handled. Not for `close`, whose descriptor is gone after EINTR, and not for waits
/// with a relative timeout, which would drift.
@inlinable @inline(__always)
package func retryingOnInterrupt<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let error = Errno.current
        if error != .interrupted { throw error }
    }
}

/// Turns the `-1` of a call that signals do not interrupt into an `Errno`.
@inlinable @inline(__always)
@discardableResult
package func checked<Result: SignedInteger>(_ result: Result) throws(Errno) -> Result {
    if result == -1 { throw Errno.current }
    return result
}
