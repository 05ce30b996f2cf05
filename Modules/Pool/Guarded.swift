import Syscalls

/// A value that one thread at a time may touch.
///
/// As `Lock`, but of this module: the compiler does not specialize those of another, and each use of one would be a generic call that
/// takes several times as long as the lock itself. A task takes a dozen of them.
struct Guarded<Value>: ~Copyable, @unchecked Sendable {
    // Sound: the value is only touched by the thread that has the lock, at an address that never changes.
    private let lock = DeadlineLock()
    private let value: UnsafeMutablePointer<Value>

    init(_ value: consuming sending Value) {
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
    }

    @inline(__always) borrowing func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        _ = lock.lock(until: .never)
        defer { lock.unlock() }
        return try body(&value.pointee)
    }
}
