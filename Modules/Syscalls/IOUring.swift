#if os(Linux)
    import CSyscalls
    import Glibc

    /// A kernel ring of polls. Linux only, of the thread that makes it. See io_uring(7).
    package struct IOUring: ~Copyable {
        private var ring = csys_ring()

        /// An empty ring, close-on-exec.
        ///
        /// - Throws: `Errno.notImplemented` or `.notPermitted` where there is none, or none that is new enough (Linux 5.11).
        ///
        /// The corresponding C function is `io_uring_setup`.
        package init() throws(Errno) {
            guard csys_ring_open(&ring) == -1 else { return }
            // Filters of system calls differ in what they say.
            throw Errno.current == .permissionDenied ? .notPermitted : Errno.current
        }

        deinit {
            var ring = ring
            csys_ring_close(&ring)
        }

        /// Whether it is this process's, and not its parent's, before a fork.
        package var isOwn: Bool {
            var ring = ring
            return csys_ring_is_own(&ring) != 0
        }

        /// Has the next wait start a poll. Which end of the ring the kernel takes it from is no matter of the caller's.
        ///
        /// - Parameter isMultishot: Whether it goes on after an event, and reports changes.
        package mutating func addPoll(
            _ descriptor: FileDescriptor, _ events: PollEvents, isMultishot: Bool, key: UInt64
        ) throws(Errno) {
            try checked(csys_ring_add_poll(&ring, descriptor.rawValue, events.rawValue, isMultishot ? 1 : 0, key))
        }

        /// Has the next wait end a poll. Its completion, if any, may still come.
        package mutating func removePoll(key: UInt64) throws(Errno) {
            try checked(csys_ring_remove_poll(&ring, key))
        }

        /// Hands requests over, and waits for events once: a signal ends the wait by `Errno.interrupted`.
        ///
        /// The corresponding C function is `io_uring_enter`.
        package mutating func wait(timeout: Duration?) throws(Errno) {
            let result: CInt
            if let timeout {
                var time = timespec(timeout)
                result = csys_ring_wait(&ring, &time)
            } else {
                result = csys_ring_wait(&ring, nil)
            }
            if result != -1 { return }
            let error = Errno.current
            // The last one says that completions are to be taken first.
            guard error == .streamTimedOut || error == .resourceBusy else { throw error }
        }

        /// A poll that is complete, or has something to tell.
        package struct Event {
            package let key: UInt64
            /// The events of poll(2), or an error number, negative.
            package let result: CInt
            package let hasMore: Bool
        }

        /// Takes the next event, of a poll that may have been removed meanwhile, or of its removal.
        package mutating func next() -> Event? {
            var event = csys_ring_event()
            guard csys_ring_next(&ring, &event) != 0 else { return nil }
            return Event(key: event.key, result: event.result, hasMore: event.has_more != 0)
        }
    }
#endif
