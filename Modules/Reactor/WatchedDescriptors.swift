import Syscalls

/// The books of a reactor: which descriptors are watched, for what, and who is told.
struct WatchedDescriptors {
    typealias Handler = (Readiness) -> Void

    private struct Slot {
        /// Grows with each registration, so that an event of an earlier one under the same number is known as such.
        var generation: UInt32 = 0
        var reader: Handler?
        var writer: Handler?

        var interest: Interest {
            var interest: Interest = []
            if reader != nil { interest.insert(.readable) }
            if writer != nil { interest.insert(.writable) }
            return interest
        }

        subscript(interest: Interest) -> Handler? {
            get { interest == .readable ? reader : writer }
            set { if interest == .readable { reader = newValue } else { writer = newValue } }
        }
    }

    /// By descriptor number: the kernel gives out the lowest ones.
    private var slots: [Slot] = []

    /// Watches a descriptor for one thing more, or replaces the handler for it.
    mutating func set(
        _ interest: Interest, of descriptor: FileDescriptor, to handler: @escaping Handler,
        with backend: any ReactorBackend
    ) throws(Errno) {
        guard descriptor.rawValue >= 0 else { throw .badFileDescriptor }
        let number = Int(descriptor.rawValue)
        while slots.count <= number { slots.append(Slot()) }
        let before = slots[number].interest
        let wanted = before.union(interest)
        // The books change only after the kernel has agreed.
        if before.isEmpty {
            try backend.register(descriptor, interest: wanted, token: nextToken(number))
            slots[number].generation &+= 1
        } else if wanted != before {
            do throws(Errno) {
                try backend.modify(descriptor, interest: wanted, token: token(number))
            } catch .noSuchFileOrDirectory {
                // It was closed without being removed, and the number is another file's now.
                try backend.register(descriptor, interest: interest, token: nextToken(number))
                slots[number] = Slot(generation: slots[number].generation &+ 1)
            }
        }
        slots[number][interest] = handler
    }

    mutating func remove(_ interest: Interest, of descriptor: FileDescriptor, with backend: any ReactorBackend) {
        let number = Int(descriptor.rawValue)
        guard slots.indices.contains(number), slots[number][interest] != nil else { return }
        slots[number][interest] = nil
        let left = slots[number].interest
        if left.isEmpty {
            backend.deregister(descriptor)
        } else {
            do throws(Errno) {
                try backend.modify(descriptor, interest: left, token: token(number))
            } catch {
                // Nothing is watched under this number any more.
                slots[number] = Slot(generation: slots[number].generation)
                backend.deregister(descriptor)
            }
        }
    }

    /// The handler that an event concerns, unless it was removed since the event was reported.
    func handler(of interest: Interest, for event: ReadinessEvent) -> Handler? {
        let number = Int(truncatingIfNeeded: event.token & 0xffff_ffff)
        guard slots.indices.contains(number), token(number) == event.token else { return nil }
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

    /// Watches all of it again with a backend that watches nothing.
    func registerAgain(with backend: any ReactorBackend) throws(Errno) {
        for number in slots.indices where !slots[number].interest.isEmpty {
            try backend.register(
                FileDescriptor(rawValue: CInt(number)), interest: slots[number].interest, token: token(number))
        }
    }

    private func token(_ number: Int) -> UInt64 {
        UInt64(slots[number].generation) << 32 | UInt64(number)
    }

    private func nextToken(_ number: Int) -> UInt64 {
        UInt64(slots[number].generation &+ 1) << 32 | UInt64(number)
    }
}
