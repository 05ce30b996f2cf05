#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A door that is opened once and lets through everybody who waits, for threads that may block.
package final class Latch: @unchecked Sendable {
    // Sound: everything is only touched while the pthread mutex is held, and the addresses never change.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isOpen = false

    package init() {
        pthread_mutex_init(mutex, nil)
        #if canImport(Glibc)
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #else
            pthread_cond_init(condition, nil)
        #endif
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func open() {
        pthread_mutex_lock(mutex)
        isOpen = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    package func wait() {
        pthread_mutex_lock(mutex)
        while !isOpen { pthread_cond_wait(condition, mutex) }
        pthread_mutex_unlock(mutex)
    }

    /// Waits no longer than until the deadline. Returns whether it is open.
    package func wait(until deadline: Deadline) -> Bool {
        guard deadline != .never else {
            wait()
            return true
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isOpen {
            if deadline.hasPassed { return false }
            #if canImport(Glibc)
                var time = deadline.absolute
                pthread_cond_timedwait(condition, mutex, &time)
            #else
                var time = timespec(deadline.remaining ?? .zero)
                pthread_cond_timedwait_relative_np(condition, mutex, &time)
            #endif
        }
        return true
    }
}
