import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A lock that threads wait for until a deadline. See pthread_mutex_lock(3).
///
/// What it guards is its owner's to say. It is taken and given back by calls of their own: unlike `Lock`, nothing stands
/// between a caller and his system calls, no closure and no generic call.
package struct DeadlineLock: ~Copyable, @unchecked Sendable {
    // Sound: a POSIX mutex at an address of its own, which is what threads share it by.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Takes the lock. Whoever has it must not take it again.
    ///
    /// - Returns: `false` when another thread has it beyond the deadline.
    package borrowing func lock(until deadline: Deadline) -> Bool {
        if pthread_mutex_trylock(mutex) == 0 { return true }
        if deadline == .never { return pthread_mutex_lock(mutex) == 0 }
        #if canImport(Glibc)
            var time = deadline.absolute
            return csys_mutex_lock_until(mutex, &time) == 0
        #else
            // There is no call that waits so long and no longer.
            while pthread_mutex_trylock(mutex) != 0 {
                if deadline.hasPassed { return false }
                Deadline.after(.milliseconds(1)).sleep()
            }
            return true
        #endif
    }

    /// Gives the lock back. For the thread that took it.
    package borrowing func unlock() {
        pthread_mutex_unlock(mutex)
    }
}
