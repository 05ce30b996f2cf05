import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Names the calling thread (of a process with one: the process), as `ps` shows it; 15 bytes are kept.
///
/// The corresponding C function is `pthread_setname_np`.
public func setThreadName(_ name: String) {
    csys_set_thread_name(name)
}

/// Names the calling thread with no more than the call. The corresponding C function is `pthread_setname_np`.
///
/// - Parameter name: ASCII.
package func setThreadName(literal name: StaticString) {
    csys_set_thread_name(UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
}

/// The calling thread's name. The corresponding C function is `pthread_getname_np`.
public func threadName() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { name in
        name.initialize(repeating: 0)
        #if os(Linux)
            csys_get_name(name.baseAddress!)
        #else
            pthread_getname_np(pthread_self(), name.baseAddress!, name.count)
        #endif
        return String(cString: name.baseAddress!)
    }
}

extension ProcessID {
    /// How nice the process is to others: -20 (least) to 19. The corresponding C function is `getpriority`.
    public func niceness() throws(Errno) -> Int {
        // -1 is a niceness too.
        errno = 0
        let value = getpriority(Self.whichProcess, id_t(rawValue))
        if value == -1, errno != 0 { throw Errno.current }
        return Int(value)
    }

    /// Makes the process nicer, or with the privilege for it less so. The corresponding C function is `setpriority`.
    public func setNiceness(_ niceness: Int) throws(Errno) {
        try checked(setpriority(Self.whichProcess, id_t(rawValue), CInt(clamping: niceness)))
    }

    #if canImport(Glibc)
        private static let whichProcess = CInt(PRIO_PROCESS.rawValue)
    #else
        private static let whichProcess = PRIO_PROCESS
    #endif
}

#if os(Linux)
    /// Keeps this process and what it execs from gaining privileges, for good. Linux only.
    ///
    /// The corresponding C function is `prctl` with `PR_SET_NO_NEW_PRIVS`.
    public func setNoNewPrivileges() throws(Errno) {
        try checked(csys_set_no_new_privileges())
    }

    /// Has the kernel send this process a signal when the thread that started it ends. Linux only.
    ///
    /// The corresponding C function is `prctl` with `PR_SET_PDEATHSIG`.
    public func setParentDeathSignal(_ signal: Signal) throws(Errno) {
        try checked(csys_prctl(csys_pr_set_pdeathsig, UInt(signal.rawValue)))
    }

    /// Makes this process the adoptive parent of its descendants' orphans. Linux only.
    ///
    /// The corresponding C function is `prctl` with `PR_SET_CHILD_SUBREAPER`.
    public func setChildSubreaper(_ on: Bool) throws(Errno) {
        try checked(csys_prctl(csys_pr_set_child_subreaper, on ? 1 : 0))
    }

    extension ProcessID {
        /// Lets the process run on these processors only: its main thread, or of this process the calling one, and
        /// threads that start from then on. Linux only.
        ///
        /// The corresponding C function is `sched_setaffinity`.
        public func setAffinity(_ cpus: [Int]) throws(Errno) {
            try checked(csys_set_affinity(self == .current ? 0 : rawValue, cpus.map { CInt($0) }, cpus.count))
        }
    }

    extension ProcessID {
        /// The processors that the process (of this one: the calling thread) may run on. Linux only.
        ///
        /// The corresponding C function is `sched_getaffinity`.
        public func affinity() throws(Errno) -> [Int] {
            var cpus = [CInt](repeating: 0, count: 1024)
            let count = try checked(csys_get_affinity(self == .current ? 0 : rawValue, &cpus, cpus.count))
            return cpus.prefix(Int(count)).map { Int($0) }
        }
    }

    /// Has the kernel kill this process when the last write end of a pipe is closed, or something is written to it. Linux only.
    ///
    /// - Parameter readEnd: Of the pipe, as an open file of this process's own (`FileDescriptor.reopenForReading`): whom the kernel
    ///   signals belongs to the open file. It does so for as long as that is open.
    /// - Returns: Whether there is a write end.
    ///
    /// The corresponding C function is `fcntl` with `F_SETOWN`, `F_SETSIG` and `O_ASYNC`.
    package func dieWithWriters(of readEnd: FileDescriptor) throws(Errno) -> Bool {
        try checked(csys_die_with_writers(readEnd.rawValue)) == 1
    }

    extension FileDescriptor {
        /// Opens the read end of a pipe once more, as an open file of its own. Linux only. See proc_pid_fd(5).
        ///
        /// - Throws: `Errno.noSuchAddressOrDevice` when it is no pipe.
        package func reopenForReading() throws(Errno) -> OwnedFileDescriptor {
            try .open("/proc/self/fd/\(rawValue)", [.readOnly, .nonBlocking])
        }
    }
#endif

/// Fills an array with bytes from the kernel's random generator. The corresponding C function is `getentropy`.
public func randomBytes(_ count: Int) throws(Errno) -> [UInt8] {
    try FileDescriptor.array(capacity: count) { buffer throws(Errno) in
        // The kernel gives at most 256 at a time.
        for start in stride(from: 0, to: count, by: 256) {
            try checked(csys_random(buffer.baseAddress! + start, min(256, count - start)))
        }
        return count
    }
}
