#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a write so that a vanished reader is EPIPE and not SIGPIPE, also on a pipe, where MSG_NOSIGNAL does nothing.
///
/// The signal is directed at the thread that writes. So it is blocked for this thread, and when the write has raised it
/// (EPIPE, and it was not pending before) it is taken off again before the mask is restored. Where the signal is ignored
/// or blocked already, as in a process that has called `Signal.brokenPipe.ignore()`, this costs one call and changes nothing.
package func withoutBrokenPipeSignal<Result>(
    _ write: () throws(Errno) -> Result
) throws(Errno) -> Result {
    var brokenPipe = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    var previous = sigset_t()
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &previous)
    if sigismember(&previous, SIGPIPE) == 1 {
        return try write()
    }
    do throws(Errno) {
        let result = try write()
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        return result
    } catch {
        if error == .brokenPipe {
            #if canImport(Glibc)
                var noTime = timespec()
                while sigtimedwait(&brokenPipe, nil, &noTime) == -1 && errno == EINTR {}
            #else
                var pending = sigset_t()
                sigpending(&pending)
                var signal: CInt = 0
                if sigismember(&pending, SIGPIPE) == 1 { sigwait(&brokenPipe, &signal) }
            #endif
        }
        pthread_sigmask(SIG_SETMASK, &previous, nil)
        throw error
    }
}
