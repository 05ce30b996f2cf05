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

#if os(Linux)
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
        /// Lets the process run on these processors only. Linux only.
        ///
        /// The corresponding C function is `sched_setaffinity`.
        public func setAffinity(_ cpus: [Int]) throws(Errno) {
            try checked(csys_set_affinity(self == .current ? 0 : rawValue, cpus.map { CInt($0) }, cpus.count))
        }
    }

    extension ProcessID {
        /// The processors that the process may run on. Linux only.
        ///
        /// The corresponding C function is `sched_getaffinity`.
        public func affinity() throws(Errno) -> [Int] {
            var cpus = [CInt](repeating: 0, count: 1024)
            let count = try checked(csys_get_affinity(self == .current ? 0 : rawValue, &cpus, cpus.count))
            return cpus.prefix(Int(count)).map { Int($0) }
        }
    }

    extension FileDescriptor {
        /// Has the kernel send this process a signal whenever the descriptor's state changes. Linux only.
        ///
        /// Belongs to the open file, which must not be shared with another process that wants the same.
        /// The corresponding C function is `fcntl` with `F_SETOWN`, `F_SETSIG` and `O_ASYNC`.
        package func signalOnChange(_ signal: Signal) throws(Errno) {
            try checked(csys_signal_on_change(rawValue, signal.rawValue))
        }
    }
#endif

/// Raises the soft limit of open descriptors to the hard one. The corresponding C function is `setrlimit`.
public func raiseDescriptorLimit() throws(Errno) {
    #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        let resource = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    try checked(getrlimit(resource, &limit))
    limit.rlim_cur = limit.rlim_max
    try checked(setrlimit(resource, &limit))
}

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
