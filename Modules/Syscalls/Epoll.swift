#if os(Linux)
    import CSyscalls
    import Glibc

    /// A kernel queue of readiness. Linux only. See epoll(7).
    public struct Epoll: ~Copyable, Sendable {
        private let owned: OwnedFileDescriptor

        /// What is waited for, or ready. See epoll_ctl(2).
        @frozen public struct Events: OptionSet, Sendable {
            /// The bits, as epoll_ctl(2) has them.
            public let rawValue: UInt32
            /// Bits of epoll_ctl(2), with those that have no name here.
            @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

            /// The corresponding C constant is `EPOLLIN`.
            @inlinable public static var readable: Events { Events(rawValue: EPOLLIN.rawValue) }
            /// The corresponding C constant is `EPOLLOUT`.
            @inlinable public static var writable: Events { Events(rawValue: EPOLLOUT.rawValue) }
            /// The corresponding C constant is `EPOLLERR`.
            @inlinable public static var error: Events { Events(rawValue: EPOLLERR.rawValue) }
            /// The corresponding C constant is `EPOLLHUP`.
            @inlinable public static var hangUp: Events { Events(rawValue: EPOLLHUP.rawValue) }
            /// The corresponding C constant is `EPOLLRDHUP`.
            @inlinable public static var readHangUp: Events { Events(rawValue: EPOLLRDHUP.rawValue) }
            /// The corresponding C constant is `EPOLLET`.
            @inlinable public static var edgeTriggered: Events { Events(rawValue: 1 << 31) }
            /// The corresponding C constant is `EPOLLONESHOT`.
            @inlinable public static var oneShot: Events { Events(rawValue: 1 << 30) }
        }

        /// An empty queue, close-on-exec. The corresponding C function is `epoll_create1`.
        public init() throws(Errno) {
            owned = OwnedFileDescriptor(owning: try checked(epoll_create1(CInt(EPOLL_CLOEXEC))))
        }

        /// The borrowed descriptor: readable once something in the queue is ready. See epoll(7).
        public var descriptor: FileDescriptor { owned.descriptor }

        /// Starts to watch a descriptor. The corresponding C function is `epoll_ctl` with `EPOLL_CTL_ADD`.
        ///
        /// - Throws: `Errno.fileExists` for one that is watched already, `Errno.notPermitted` for a regular file.
        public func add(_ descriptor: FileDescriptor, _ events: Events, token: UInt64) throws(Errno) {
            var event = epoll_event(events: events.rawValue, data: epoll_data_t(u64: token))
            try checked(epoll_ctl(owned.descriptor.rawValue, EPOLL_CTL_ADD, descriptor.rawValue, &event))
        }

        /// Changes what a descriptor is watched for. The corresponding C function is `epoll_ctl` with `EPOLL_CTL_MOD`.
        public func modify(_ descriptor: FileDescriptor, _ events: Events, token: UInt64) throws(Errno) {
            var event = epoll_event(events: events.rawValue, data: epoll_data_t(u64: token))
            try checked(epoll_ctl(owned.descriptor.rawValue, EPOLL_CTL_MOD, descriptor.rawValue, &event))
        }

        /// Stops watching a descriptor. The corresponding C function is `epoll_ctl` with `EPOLL_CTL_DEL`.
        public func remove(_ descriptor: FileDescriptor) throws(Errno) {
            var event = epoll_event()
            try checked(epoll_ctl(owned.descriptor.rawValue, EPOLL_CTL_DEL, descriptor.rawValue, &event))
        }

        /// Waits for events, or until the deadline has passed: there are none then. Signals do not end or prolong it.
        ///
        /// - Parameters:
        ///   - count: The most events that are given at once; at least one.
        ///   - deadline: Before Linux 5.11 the kernel counts in milliseconds: what is left is rounded up.
        ///
        /// The corresponding C function is `epoll_pwait2`.
        public func wait(upTo count: Int, until deadline: Deadline = .never) throws(Errno) -> [Event] {
            try withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: max(1, count)) { buffer throws(Errno) in
                let filled = try repeatedWhenInterrupted { () throws(Errno) in
                    try wait(into: buffer, timeout: deadline.remaining)
                }
                return buffer[..<filled].map { Event(events: Events(rawValue: $0.events), token: $0.data.u64) }
            }
        }

        /// A descriptor's readiness, with the token that it was added with.
        public struct Event: Sendable {
            public let events: Events
            public let token: UInt64
        }

        /// The same once, into memory of the caller's: a signal ends the wait by `Errno.interrupted`.
        ///
        /// - Parameter timeout: `nil` waits for ever.
        /// - Returns: How many events were filled.
        package func wait(
            into events: UnsafeMutableBufferPointer<epoll_event>, timeout: Duration?
        ) throws(Errno) -> Int {
            let count: CInt
            if let timeout {
                var time = timespec(timeout)
                count = csys_epoll_wait(owned.descriptor.rawValue, events.baseAddress, CInt(events.count), &time)
            } else {
                count = csys_epoll_wait(owned.descriptor.rawValue, events.baseAddress, CInt(events.count), nil)
            }
            return Int(try checked(count))
        }
    }
#endif

extension Duration {
    /// For calls that count in milliseconds: never earlier than asked for.
    package var roundedUpMilliseconds: CInt {
        let (seconds, attoseconds) = components
        if seconds < 0 { return 0 }
        if seconds >= 2_000_000 { return 2_000_000_000 }
        return CInt(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
