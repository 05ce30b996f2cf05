import Syscalls

/// The books of a reactor: which descriptors are watched, for what, and who is told.
struct WatchedDescriptors {
    typealias Handler = (Readiness) -> Void

    /// What is known of one number.
    struct Slot {
        /// Grows with each registration, so that an event of an earlier one under the same number is known as such.
        fileprivate var generation: UInt32 = 0
        fileprivate var reader: Handler?
        fileprivate var writer: Handler?

        fileprivate var interest: Interest {
            var interest: Interest = []
            if reader != nil { interest.insert(.readable) }
            if writer != nil { interest.insert(.writable) }
            return interest
        }

        fileprivate subscript(interest: Interest) -> Handler? {
            get { interest == .readable ? reader : writer }
            set { if interest == .readable { reader = newValue } else { writer = newValue } }
        }
    }

    /// By descriptor number: the kernel gives out the lowest ones.
    private var slots: [Slot] = []

    // Changes return what was there before, for the caller to let go of when the books are closed again: what a handler
    // holds may use the reactor in its `deinit`.

    /// Watches a descriptor for one thing more, or replaces the handler for it.
    @discardableResult
    mutating func set(
        _ interest: Interest, of descriptor: FileDescriptor, to handler: @escaping Handler,
        with backend: any ReactorBackend
    ) throws(Errno) -> Slot {
        guard descriptor.rawValue >= 0 else { throw .badFileDescriptor }
        let number = Int(descriptor.rawValue)
        let before = slots.indices.contains(number) ? slots[number] : Slot()
        var after = before
        if before.interest.isEmpty {
            after.generation &+= 1
            try backend.register(descriptor, interest: interest, token: Self.token(number, after))
        } else {
            do throws(Errno) {
                // Also when the interest is the same: the kernel says whether it still watches what the number names.
                let wanted = before.interest.union(interest)
                try backend.modify(descriptor, interest: wanted, token: Self.token(number, before))
            } catch .noSuchFileOrDirectory {
                // It was closed without being removed, and the number is another file's now.
                after = Slot(generation: before.generation &+ 1)
                try backend.register(descriptor, interest: interest, token: Self.token(number, after))
            }
        }
        // The books change, and grow, only after the kernel has agreed.
        after[interest] = handler
        while slots.count <= number { slots.append(Slot()) }
        slots[number] = after
        return before
    }

    @discardableResult
    mutating func remove(
        _ interest: Interest, of descriptor: FileDescriptor, with backend: any ReactorBackend
    ) -> Slot {
        let number = Int(descriptor.rawValue)
        guard slots.indices.contains(number), slots[number][interest] != nil else { return Slot() }
        let before = slots[number]
        slots[number][interest] = nil
        let left = slots[number].interest
        if left.isEmpty {
            backend.deregister(descriptor)
        } else {
            do throws(Errno) {
                try backend.modify(descriptor, interest: left, token: Self.token(number, before))
            } catch {
                // Nothing is watched under this number any more.
                slots[number] = Slot(generation: before.generation)
                backend.deregister(descriptor)
            }
        }
        return before
    }

    /// The handler that an event concerns, unless it was removed since the event was reported.
    func handler(of interest: Interest, for event: ReadinessEvent) -> Handler? {
        let number = Int(truncatingIfNeeded: event.token & 0xffff_ffff)
        guard slots.indices.contains(number), Self.token(number, slots[number]) == event.token else { return nil }
        let readiness: Readiness = interest == .readable ? .readable : .writable
        let isConcerned = !event.readiness.isDisjoint(with: [readiness, .hangUp, .error, .invalid])
        return isConcerned ? slots[number][interest] : nil
    }

    func descriptors(with interest: Interest) -> [FileDescriptor] {
        slots.indices.filter { slots[$0].interest.contains(interest) }.map { FileDescriptor(rawValue: CInt($0)) }
    }

    mutating func forget(_ descriptor: FileDescriptor) {
        let number = Int(descriptor.rawValue)
        slots[number] = Slot(generation: slots[number].generation)
    }

    /// Forgets all of it. The generations stay: events that were reported before may be still to be delivered.
    mutating func forgetAll() {
        slots = slots.map { Slot(generation: $0.generation) }
    }

    /// Watches all of it again with a backend that watches nothing.
    func registerAgain(with backend: any ReactorBackend) throws(Errno) {
        for number in slots.indices where !slots[number].interest.isEmpty {
            try backend.register(
                FileDescriptor(rawValue: CInt(number)), interest: slots[number].interest,
                token: Self.token(number, slots[number]))
        }
    }

    private static func token(_ number: Int, _ slot: Slot) -> UInt64 {
        UInt64(slot.generation) << 32 | UInt64(number)
    }
}
