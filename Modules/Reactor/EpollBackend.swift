#if os(Linux)
    import CSyscalls
    import Syscalls

    /// The backend over epoll(7).
    public final class EpollBackend: ReactorBackend {
        public static var name: String { "epoll" }

        // Unchecked: no code of others runs while the kernel is asked, and there is one thread.
        @exclusivity(unchecked) private var epoll: Epoll
        private let buffer = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 256)

        public init() throws(Errno) {
            epoll = try Epoll()
        }

        deinit {
            buffer.deallocate()
        }

        public func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
            try epoll.add(descriptor, Self.events(interest), token: token)
        }

        public func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
            try epoll.modify(descriptor, Self.events(interest), token: token)
        }

        public func deregister(_ descriptor: FileDescriptor) {
            // The kernel forgets a descriptor when the last number of its open file is closed: there may be nothing to do.
            try? epoll.remove(descriptor)
        }

        public func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
            let count = try epoll.wait(into: buffer, timeout: timeout)
            for index in 0..<count {
                let event = buffer[index]
                events.append(ReadinessEvent(token: event.data.u64, readiness: Self.readiness(event.events)))
            }
        }

        public func recreate() throws(Errno) {
            epoll = try Epoll()
        }

        private static func events(_ interest: Interest) -> Epoll.Events {
            var events: Epoll.Events = []
            if interest.contains(.readable) { events.insert(.readable) }
            if interest.contains(.writable) { events.insert(.writable) }
            if interest.contains(.edgeTriggered) { events.insert(.edgeTriggered) }
            if interest.contains(.oneShot) { events.insert(.oneShot) }
            return events
        }

        private static func readiness(_ rawEvents: UInt32) -> Readiness {
            let events = Epoll.Events(rawValue: rawEvents)
            var readiness: Readiness = []
            if events.contains(.readable) { readiness.insert(.readable) }
            if events.contains(.writable) { readiness.insert(.writable) }
            if events.contains(.hangUp) { readiness.insert(.hangUp) }
            if events.contains(.error) { readiness.insert(.error) }
            return readiness
        }
    }
#endif
