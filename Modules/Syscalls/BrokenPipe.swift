import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension FileDescriptor {
    /// Writes some of the parts, so that a vanished reader is EPIPE and not SIGPIPE, also on a pipe, where MSG_NOSIGNAL does
    /// nothing.
    ///
    /// The kernel is asked for that where it can (Linux 6.18); otherwise the signal is masked meanwhile, which takes two
    /// further calls.
    func writeWithoutSignal(_ parts: UnsafeBufferPointer<iovec>) throws(Errno) -> Int {
        #if os(Linux)
            if csys_writes_without_signal() {
                do throws(Errno) {
                    return try retryingOnInterrupt {
                        csys_write_without_signal(rawValue, parts.baseAddress, CInt(parts.count))
                    }
                } catch {
                    // Some kinds of files know no flags, such as an eventfd.
                    guard error == .notSupported else { throw error }
                }
            }
        #endif
        return try withoutBrokenPipeSignal { () throws(Errno) in
            try retryingOnInterrupt { writev(rawValue, parts.baseAddress, CInt(parts.count)) }
        }
    }

    /// The same with one part.
    func writeWithoutSignal(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        return try withUnsafePointer(to: &part) { part throws(Errno) in
            try writeWithoutSignal(UnsafeBufferPointer(start: part, count: 1))
        }
    }
}

/// Runs a write with SIGPIPE masked.
///
/// The signal is directed at the thread that writes. So it is blocked for this thread, and when the write has raised it
/// (EPIPE, and it was not pending before) it is taken off again before the mask is restored. Where the caller has blocked
/// it already the mask needs no restoring, but the signal would still come once the caller lets it.
package func withoutBrokenPipeSignal<Result>(
    _ write: () throws(Errno) -> Result
) throws(Errno) -> Result {
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    var previous = sigset_t()
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &previous)
    let wasBlocked = sigismember(&previous, SIGPIPE) == 1
    var pending = sigset_t()
    if wasBlocked { sigpending(&pending) }
    let wasPending = wasBlocked && sigismember(&pending, SIGPIPE) == 1
    do throws(Errno) {
        let result = try write()
        if !wasBlocked { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        return result
    } catch {
        if error == .brokenPipe, !wasPending {
            #if canImport(Glibc)
                var noTime = timespec()
                while sigtimedwait(&brokenPipe, nil, &noTime) == -1 && errno == EINTR {}
            #else
                sigpending(&pending)
                var signal: CInt = 0
                if sigismember(&pending, SIGPIPE) == 1 { sigwait(&brokenPipe, &signal) }
            #endif
        }
        if !wasBlocked { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        throw error
    }
}
