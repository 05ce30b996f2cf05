import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A kind of named resource that stays when its owner dies, under the name that CPython gives it.
public enum ResourceKind: String, Hashable, Sendable, CaseIterable {
    /// A named semaphore. See sem_overview(7).
    case semaphore
    /// A named shared memory segment. See shm_overview(7).
    case sharedMemory = "shared_memory"

    /// Removes one. That it is gone already is no error.
    func remove(_ name: String) throws(Errno) {
        do throws(Errno) {
            switch self {
            case .semaphore: try NamedSemaphore.unlink(name)
            case .sharedMemory: try SharedMemory.unlink(name)
            }
        } catch .noSuchFileOrDirectory {
            return
        }
    }
}
