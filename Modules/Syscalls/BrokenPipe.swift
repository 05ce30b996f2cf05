#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a write so that a vanished reader is EPIPE and not SIGPIPE, also on a pipe, where MSG_NOSIGNAL does nothing.
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
