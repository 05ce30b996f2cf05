#if os(Linux)
    import Syscalls

    /// kqueue(2) over epoll, eventfd, timerfd, signalfd, pidfd and inotify, for tests where there is none. Linux only.
    ///
    /// It does what the manual page says, not what is fast: each event costs several system calls. How it differs from
    /// a kernel's is told in `Docs/Kqueue.md`.
    public final class EmulatedKqueue: KqueueKernel {
        private let process = ProcessID.current
        private let queue: Lock<EventQueue>
        /// The borrowed descriptor of the queue: readable when there may be events to fetch. See kqueue(2).
        public let descriptor: FileDescriptor

        /// An empty queue, of two descriptors, close-on-exec.
        ///
        /// - Throws: `Errno.tooManyOpenFiles`. The corresponding C function is `kqueue`.
        public init() throws(Errno) {
            let queue = try EventQueue()
            descriptor = queue.descriptor
            self.queue = Lock(queue)
        }

        /// Applies changes and fetches events, as `KqueueKernel` tells. Safe from any thread.
        ///
        /// Descriptors stay the caller's. The corresponding C function is `kevent`.
        public func kevent(
            _ changes: [KernelEvent], into events: inout [KernelEvent], upTo count: Int, timeout: Duration?
        ) throws(Errno) {
            // A fork does not pass kqueues on; here the number is open in the child, and named as if it were not.
            guard process == .current else { throw .badFileDescriptor }
            guard count >= 0, timeout ?? .zero >= .zero else { throw .invalidArgument }
            let deadline = Deadline.after(timeout)
            events.removeAll(keepingCapacity: true)
            events += try queue.withLock { queue throws(Errno) in try queue.apply(changes, upTo: count) }
            if !events.isEmpty || count == 0 { return }
            while true {
                let (found, mayBeMore) = queue.withLock { $0.fetch(upTo: count) }
                if !found.isEmpty {
                    events += found
                    return
                }
                if mayBeMore { continue }
                if deadline.hasPassed { return }
                // Not under the lock, and taking nothing out of the queue: other threads fetch and change meanwhile.
                try descriptor.waitOnce(for: .readable, timeout: deadline.remaining)
            }
        }
    }
#endif
