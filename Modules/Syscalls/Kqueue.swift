#if canImport(Darwin)
    import Darwin

    /// A kernel queue of events. Darwin only; unverified, since this package is built and tested on Linux. See kqueue(2).
    public struct Kqueue: ~Copyable, Sendable {
        private let owned: OwnedFileDescriptor

        /// An empty queue, close-on-exec. The corresponding C function is `kqueue`.
        public init() throws(Errno) {
            owned = OwnedFileDescriptor(owning: try checked(kqueue()))
            try owned.descriptor.setCloseOnExec(true)
        }

        /// The borrowed descriptor: readable once an event is there. See kqueue(2).
        public var descriptor: FileDescriptor { owned.descriptor }

        /// Applies changes, and waits for events once: a signal ends the wait early, with none.
        ///
        /// - Parameters:
        ///   - changes: What to watch, or to watch no more.
        ///   - events: Filled with what has happened; may be empty.
        ///   - timeout: `nil` waits for ever.
        /// - Returns: How many of `events` were filled.
        ///
        /// The corresponding C function is `kevent`.
        public func wait(
            changes: [kevent], into events: UnsafeMutableBufferPointer<kevent>, timeout: Duration?
        ) throws(Errno) -> Int {
            var time = timespec(timeout ?? .zero)
            let count = withUnsafePointer(to: &time) { time in
                Darwin.kevent(
                    owned.descriptor.rawValue, changes, CInt(changes.count), events.baseAddress, CInt(events.count),
                    timeout == nil ? nil : time)
            }
            if count >= 0 { return Int(count) }
            let error = Errno.current
            if error == .interrupted { return 0 }
            throw error
        }
    }
#endif
