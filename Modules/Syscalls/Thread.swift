#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A thread of one's own, for blocking work that no cooperative thread may do.
///
/// It is to be joined by its owner. See pthreads(7).
package struct Thread: ~Copyable, @unchecked Sendable {
    // Sound: a number on Linux and an opaque pointer on Darwin, only ever handed back to pthreads.
    private let handle: pthread_t

    /// Starts a thread with every signal blocked, so that signals stay with the program's own threads.
    ///
    /// - Parameter name: As shown by `ps -L`; 15 bytes are kept.
    ///
    /// The corresponding C function is `pthread_create`.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        #if canImport(Glibc)
            var handle = pthread_t()
        #else
            var handle: pthread_t?
        #endif
        let result = SignalSet.all.whileBlocked { pthread_create(&handle, nil, runThread, start.toOpaque()) }
        guard result == 0 else {
            start.release()
            throw Errno(rawValue: result)
        }
        #if canImport(Glibc)
            self.handle = handle
        #else
            self.handle = handle!
        #endif
    }

    /// Waits until the thread has ended. The corresponding C function is `pthread_join`.
    package consuming func join() {
        pthread_join(handle, nil)
    }

    /// Lets the thread end by itself. The corresponding C function is `pthread_detach`.
    package consuming func detach() {
        pthread_detach(handle)
    }

    /// Whether this is the calling thread. The corresponding C function is `pthread_equal`.
    package var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }
}

/// A number that no other thread has while the calling one lives. The corresponding C function is `pthread_self`.
package var currentThreadNumber: UInt {
    #if canImport(Glibc)
        UInt(pthread_self())
    #else
        UInt(bitPattern: pthread_self())
    #endif
}

private final class ThreadStart: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

#if canImport(Glibc)
    private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        let start = Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue()
        setThreadName(start.name)
        start.body()
        return nil
    }
#else
    private func runThread(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
        setThreadName(start.name)
        start.body()
        return nil
    }
#endif
