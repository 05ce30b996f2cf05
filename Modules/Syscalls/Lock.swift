import CSyscalls
import Synchronization

/// `Synchronization.Mutex`, in a form that the thread sanitizer understands.
///
/// The sanitizer does not see that `Mutex` orders memory on Linux, and reports races where there are none.
package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Sound: the mutex itself is Sendable, and the annotations carry no state.
    private let mutex: Mutex<Value>

    package init(_ value: consuming sending Value) {
        mutex = Mutex(value)
    }

    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        try mutex.withLock { value throws(Failure) in
            let address = withUnsafeMutablePointer(to: &value) { UnsafeMutableRawPointer($0) }
            csys_tsan_acquire(address)
            defer { csys_tsan_release(address) }
            return try body(&value)
        }
    }
}
