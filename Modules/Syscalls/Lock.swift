import CSyscalls
import Synchronization

/// `Synchronization.Mutex`, in a form that the thread sanitizer understands.
///
/// The sanitizer does not see that `Mutex` orders memory on Linux, and reports races where there are none.
///
/// Public, frozen and inlinable for speed alone: the compiler specializes it in other modules only so, and an unspecialized use
/// takes several times as long as the lock itself.
@frozen public struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Sound: the mutex itself is Sendable, and the annotations carry no state.
    @usableFromInline let mutex: Mutex<Value>

    /// A lock that nobody has, and what it guards.
    @inlinable public init(_ value: consuming sending Value) {
        mutex = Mutex(value)
    }

    /// Runs the body with the value, while no other thread has it. Whoever has the lock must not take it again.
    @inlinable @inline(__always) public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        // Not the value's address: taking that is an access to it, before the sanitizer has been told of the order.
        let address = withUnsafePointer(to: mutex) { UnsafeMutableRawPointer(mutating: $0) }
        return try mutex.withLock { value throws(Failure) in
            csys_tsan_acquire(address)
            defer { csys_tsan_release(address) }
            return try body(&value)
        }
    }
}
