#if os(Linux)
    import Syscalls

    /// The backend over io_uring(7), Linux 5.11 and later.
    ///
    /// The kernel's lasting polls tell of changes only. Where the state is to be told, each poll ends with its event and is
    /// started again by the next wait, in the same system call.
    public final class IOUringBackend: ReactorBackend {
        public static var name: String { "io_uring" }

        // Unchecked: no code of others runs while these are touched, and there is one thread.
        @exclusivity(unchecked) private var ring: IOUring
        /// By descriptor number.
        @exclusivity(unchecked) private var polls: [Poll] = []
        /// Numbers of polls to be started by the next wait. Some may have been removed, or be there twice.
        @exclusivity(unchecked) private var startable: [Int] = []
        @exclusivity(unchecked) private var waits: UInt32 = 0
        /// Whether polls were removed whose completions may still come.
        @exclusivity(unchecked) private var hasRemovals = false

        private struct Poll {
            var state = State.none
            var interest: Interest = []
            var token: UInt64 = 0
            /// Grows with each start, so that what was completed before a change is known as such.
            var start: UInt32 = 0
            /// Where its event is in the list of the wait.
            var eventPlace = 0
            var eventWait: UInt32 = 0
        }

        private enum State {
            case none
            /// The next wait starts it.
            case startable
            case started
            /// A one-shot that has been told.
            case told
        }

        public init() throws(Errno) {
            ring = try IOUring()
        }

        public func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
            // The kernel would say so only later, and not by an error.
            guard descriptor.isOpen else { throw .badFileDescriptor }
            let number = Int(descriptor.rawValue)
            while polls.count <= number { polls.append(Poll()) }
            guard polls[number].state == .none else { throw .fileExists }
            set(number, interest, token)
        }

        public func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
            let number = Int(descriptor.rawValue)
            guard isRegistered(number) else { throw .noSuchFileOrDirectory }
            guard descriptor.isOpen else { throw .badFileDescriptor }
            if polls[number].state == .started {
                try ring.removePoll(key: key(number))
                hasRemovals = true
            }
            set(number, interest, token)
        }

        public func deregister(_ descriptor: FileDescriptor) {
            let number = Int(descriptor.rawValue)
            guard isRegistered(number) else { return }
            let isStarted = polls[number].state == .started
            polls[number].state = .none
            // The poll holds the file, whose peer is to see its end when the descriptor is closed.
            guard isStarted, ring.isOwn else { return }
            hasRemovals = true
            try? ring.removePoll(key: key(number))
            try? ring.wait(timeout: .zero)
        }

        public func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
            try startPolls()
            waits &+= 1
            guard hasRemovals, timeout != .zero else {
                try ring.wait(timeout: timeout)
                _ = takeEvents(into: &events)
                return
            }
            // What ends removed polls ends a wait too, and is nothing to tell.
            let deadline = Deadline.after(timeout)
            repeat { try ring.wait(timeout: deadline.remaining) } while takeEvents(into: &events) && events.isEmpty
            hasRemovals = false
        }

        public func recreate() throws(Errno) {
            ring = try IOUring()
            polls = []
            startable = []
        }

        private func isRegistered(_ number: Int) -> Bool {
            polls.indices.contains(number) && polls[number].state != .none
        }

        private func set(_ number: Int, _ interest: Interest, _ token: UInt64) {
            polls[number].interest = interest
            polls[number].token = token
            polls[number].state = .startable
            startable.append(number)
        }

        private func key(_ number: Int) -> UInt64 { UInt64(polls[number].start) << 32 | UInt64(number) }

        private func startPolls() throws(Errno) {
            for (place, number) in startable.enumerated() where polls[number].state == .startable {
                do throws(Errno) {
                    try start(number)
                } catch {
                    // More is complete than the ring takes: the rest is for the next wait.
                    guard error == .resourceBusy else { throw error }
                    return startable.removeFirst(place)
                }
            }
            startable.removeAll(keepingCapacity: true)
        }

        private func start(_ number: Int) throws(Errno) {
            polls[number].start &+= 1
            let interest = polls[number].interest
            var events: PollEvents = []
            if interest.contains(.readable) { events.insert(.readable) }
            if interest.contains(.writable) { events.insert(.writable) }
            try ring.addPoll(
                FileDescriptor(rawValue: CInt(number)), events, isMultishot: interest.contains(.edgeTriggered),
                key: key(number))
            polls[number].state = .started
        }

        /// Whether there were completions, of whatever.
        private func takeEvents(into events: inout [ReadinessEvent]) -> Bool {
            var hasTaken = false
            while let event = ring.next() {
                hasTaken = true
                take(event, into: &events)
            }
            return hasTaken
        }

        private func take(_ event: IOUring.Event, into events: inout [ReadinessEvent]) {
            let number = Int(truncatingIfNeeded: event.key & 0xffff_ffff)
            guard polls.indices.contains(number), polls[number].state == .started, key(number) == event.key else {
                return
            }
            if !event.hasMore {
                let isTold = polls[number].interest.contains(.oneShot) && event.result >= 0
                polls[number].state = isTold ? .told : .startable
                if !isTold { startable.append(number) }
            }
            // The kernel ends the polls of a thread that ends; they are another's now.
            if event.result == -Errno.canceled.rawValue { return }
            let readiness = Self.readiness(event.result)
            if polls[number].eventWait == waits, polls[number].eventPlace < events.count {
                let place = polls[number].eventPlace
                events[place] = ReadinessEvent(
                    token: events[place].token, readiness: events[place].readiness.union(readiness))
            } else {
                polls[number].eventWait = waits
                polls[number].eventPlace = events.count
                events.append(ReadinessEvent(token: polls[number].token, readiness: readiness))
            }
        }

        private static func readiness(_ result: CInt) -> Readiness {
            if result < 0 { return result == -Errno.badFileDescriptor.rawValue ? .invalid : .error }
            let events = PollEvents(rawValue: CShort(truncatingIfNeeded: result))
            var readiness: Readiness = []
            if events.contains(.readable) { readiness.insert(.readable) }
            if events.contains(.writable) { readiness.insert(.writable) }
            if events.contains(.hangUp) { readiness.insert(.hangUp) }
            if events.contains(.error) { readiness.insert(.error) }
            return readiness
        }
    }
#endif
