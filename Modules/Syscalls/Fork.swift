import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Which side of a fork one is on. See fork(2).
public enum ForkResult: Sendable {
    case child
    case parent(child: ProcessID)
}

/// Makes a second process out of this one.
///
/// Only for processes with one thread: of the others the child has none, but their locks. Whoever calls it answers for
/// that; the fork server checks it. Descriptors that Swift values own are open in both processes, and each closes its own.
///
/// The corresponding C function is `fork`.
public func forkProcess() throws(Errno) -> ForkResult {
    let pid = try checked(csys_fork())
    return pid == 0 ? .child : .parent(child: ProcessID(rawValue: pid))
}

/// Leaves the process at once: no exit handlers, no flushing, no `deinit`.
///
/// The corresponding C function is `_exit`.
public func exitImmediately(_ code: CInt) -> Never {
    _exit(code)
}

/// Writes out what the standard streams hold. The corresponding C function is `fflush` with a null pointer.
public func flushStandardStreams() {
    fflush(nil)
}

#if os(Linux)
    /// Keeps the exit handlers that are installed by now to this process: in children that it forks they do not run, those that
    /// are installed later do. Linux only.
    ///
    /// The corresponding C function is `on_exit`.
    public func keepExitHandlersFromChildren() throws(Errno) {
        guard csys_keep_exit_handlers_from_children() == 0 else { throw .noMemory }
    }
#endif

/// Lets others run that wait for this processor, such as a process just forked. The corresponding C function is `sched_yield`.
package func yieldProcessor() {
    sched_yield()
}
