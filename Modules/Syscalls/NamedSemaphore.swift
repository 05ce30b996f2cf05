import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A semaphore that processes share by name. See sem_overview(7).
public struct NamedSemaphore: ~Copyable, @unchecked Sendable {
    // Sound: sem_t is made for use by many threads and processes at once.
    private let semaphore: UnsafeMutablePointer<sem_t>

    /// Creates a semaphore. It stays until `unlink`, whoever dies: see the ResourceTracker module.
    ///
    /// - Parameter name: `/` and up to 250 further bytes without a `/` (30 in all on Darwin).
    /// - Throws: `Errno.fileExists` when there is one of that name.
    ///
    /// The corresponding C function is `sem_open` with `O_CREAT` and `O_EXCL`.
    public init(creating name: String, value: UInt32, permissions: mode_t = 0o600) throws(Errno) {
        try self.init(name, O_CREAT | O_EXCL, permissions, value)
    }

    /// Opens an existing semaphore. The corresponding C function is `sem_open`.
    public init(opening name: String) throws(Errno) {
        try self.init(name, 0, 0, 0)
    }

    private init(_ name: String, _ flags: CInt, _ permissions: mode_t, _ value: UInt32) throws(Errno) {
        while true {
            if let semaphore = csys_sem_open(name, flags, permissions, value), semaphore != SEM_FAILED {
                self.semaphore = semaphore
                return
            }
            let error = Errno.current
            if error != .interrupted { throw error }
        }
    }

    deinit {
        sem_close(semaphore)
    }

    /// Adds one. The corresponding C function is `sem_post`.
    public func post() throws(Errno) {
        try checked(sem_post(semaphore))
    }

    /// Takes one, waiting for it until the deadline.
    ///
    /// - Throws: `Errno.timedOut` when the deadline passes first.
    ///
    /// The corresponding C functions are `sem_wait` and `sem_clockwait`.
    public func wait(until deadline: Deadline = .never) throws(Errno) {
        if deadline == .never {
            _ = try retryingOnInterrupt { sem_wait(semaphore) }
        } else {
            var time = deadline.absolute
            _ = try retryingOnInterrupt { csys_sem_wait_until(semaphore, &time) }
        }
    }

    /// Takes one if there is one. The corresponding C function is `sem_trywait`.
    public func tryWait() throws(Errno) -> Bool {
        do throws(Errno) {
            _ = try retryingOnInterrupt { sem_trywait(semaphore) }
            return true
        } catch .resourceTemporarilyUnavailable {
            return false
        }
    }

    /// Removes a semaphore's name. Those who have it open keep it. The corresponding C function is `sem_unlink`.
    public static func unlink(_ name: String) throws(Errno) {
        try checked(sem_unlink(name))
    }
}
