import Syscalls

/// The books of a reactor: which descriptors are watched, for what, and who is told.
struct WatchedDescriptors {
    /// What is known of one number.
    struct Slot {
        /// Grows with each registration, so that an event of an earlier one under the same number is known as such.
        fileprivate(set) var generation: UInt32 = 0
        fileprivate(set) var reader: (any ReadHandler)?
        fileprivate(set) var writer: (any WriteHandler)?
        fileprivate(set) var trigger = Trigger.level
        fileprivate(set) var state = State.unknown
        /// Whether it is the reactor's own: a waker, or a process descriptor.
        fileprivate(set) var isOwn = false
        /// The round in which it was last taken off the backend: what is reported later is not to be.
        fileprivate var removedInRound: UInt64 = 0

        var directions: Interest {
            var directions: Interest = []
            if reader != nil { directions.insert(.readable) }
            if writer != nil { directions.insert(.writable) }
            return directions
        }

        fileprivate var interest: Interest { directions.union(trigger.flag) }

        fileprivate var emptied: Slot {
            var slot = Slot()
            slot.generation = generation
            slot.removedInRound = removedInRound
            return slot
        }
    }

    /// What a backend knows of a number.
    enum State: UInt8 {
        case unknown, registered
        /// It refuses it, because it is always ready.
        case alwaysReady
    }

    /// Who is told in one direction.
    enum Handler {
        case reader(any ReadHandler)
        case writer(any WriteHandler)
    }

    /// By descriptor number: the kernel gives out the lowest ones.
    private(set) var slots: [Slot] = []
    /// Those that are ready and not reported by a backend.
    private(set) var alwaysReady: Set<Int> = []
    /// The last round that has begun.
    private(set) var round: UInt64 = 0

    mutating func beginRound() -> UInt64 {
        round += 1
        return round
    }

    // Changes return what was there before, for the caller to let go of when the books are closed again: what a handler
    // holds may use the reactor in its `deinit`.

    /// Watches a descriptor for one thing more, or replaces the handler for it.
    @discardableResult
    mutating func set(
        _ handler: Handler, of descriptor: FileDescriptor, trigger: Trigger, isOwn: Bool = false,
        with backend: any ReactorBackend
    ) throws(Errno) -> Slot {
        guard descriptor.rawValue >= 0 else { throw .badFileDescriptor }
        let number = Int(descriptor.rawValue)
        let before = slots.indices.contains(number) ? slots[number] : Slot()
        var after = before
        after.set(handler)
        // The kernel knows one trigger a descriptor.
        guard trigger == before.trigger || after.directions != .directions else { throw .invalidArgument }
        after.trigger = trigger
        after.isOwn = isOwn
        if before.state == .registered {
            do throws(Errno) {
                // Also when the interest is the same: the kernel says whether it still watches what the number names.
                try backend.modify(descriptor, interest: after.interest, token: Self.token(number, before))
            } catch .noSuchFileOrDirectory {
                // It was closed without being removed, and the number is another file's now.
                after = before.emptied
                after.set(handler)
                after.trigger = trigger
                after.isOwn = isOwn
                try register(&after, number, with: backend)
            }
        } else {
            try register(&after, number, with: backend)
        }
        // The books change, and grow, only after the kernel has agreed.
        while slots.count <= number { slots.append(Slot()) }
        slots[number] = after
        if after.state == .alwaysReady { alwaysReady.insert(number) } else { alwaysReady.remove(number) }
        return before
    }

    private func register(_ slot: inout Slot, _ number: Int, with backend: any ReactorBackend) throws(Errno) {
        slot.generation &+= 1
        slot.removedInRound = round
        do throws(Errno) {
            try backend.register(Self.descriptor(number), interest: slot.interest, token: Self.token(number, slot))
            slot.state = .registered
        } catch .notPermitted {
            slot.state = .alwaysReady
        }
    }

    /// Takes a direction off the books and the backend. Of a one-shot that was told nothing but the backend's part is left.
    @discardableResult
    mutating func remove(
        _ direction: Interest, of descriptor: FileDescriptor, with backend: any ReactorBackend
    ) -> Slot {
        let number = Int(descriptor.rawValue)
        guard slots.indices.contains(number) else { return Slot() }
        let before = slots[number]
        guard !before.directions.isDisjoint(with: direction) || before.directions.isEmpty else { return Slot() }
        slots[number].clear(direction)
        let left = slots[number].directions
        switch before.state {
        case .unknown: break
        case .alwaysReady:
            if left.isEmpty { forget(number) }
        case .registered:
            if left.isEmpty {
                backend.deregister(descriptor)
                forget(number)
            } else {
                do throws(Errno) {
                    try backend.modify(
                        descriptor, interest: slots[number].interest, token: Self.token(number, before))
                } catch {
                    // Nothing is watched under this number any more; the one that is left finds out by its own next call.
                    backend.deregister(descriptor)
                    forget(number)
                }
            }
        }
        return before
    }

    /// A one-shot's direction is told of: it is off the books, and the backend reports nothing until it is asked again.
    mutating func takeOneShot(_ direction: Interest, of number: Int) {
        slots[number].clear(direction)
        if slots[number].state == .alwaysReady { alwaysReady.remove(number) }
    }

    /// Has the backend go on with the direction of a one-shot that was not told.
    mutating func rearm(_ number: Int, with backend: any ReactorBackend) {
        guard slots[number].state == .registered, !slots[number].directions.isEmpty else { return }
        try? backend.modify(
            Self.descriptor(number), interest: slots[number].interest, token: Self.token(number, slots[number]))
    }

    mutating func forget(_ number: Int) {
        slots[number] = slots[number].emptied
        slots[number].removedInRound = round
        alwaysReady.remove(number)
    }

    /// No longer to be told in each round, until it is set again.
    mutating func quieten(_ number: Int) {
        alwaysReady.remove(number)
    }

    // MARK: Asking

    /// The number that an event is of, if its registration is still the one that it was reported for.
    func number(for event: ReadinessEvent) -> Int? {
        let number = Int(truncatingIfNeeded: event.token & 0xffff_ffff)
        guard number < slots.count, slots[number].generation == UInt32(truncatingIfNeeded: event.token >> 32),
            slots[number].state != .unknown
        else { return nil }
        return number
    }

    /// Whether an event should not have been reported in a round: its registration was gone before.
    func isStray(_ event: ReadinessEvent, in round: UInt64) -> Bool {
        let number = Int(truncatingIfNeeded: event.token & 0xffff_ffff)
        return number >= slots.count || slots[number].removedInRound < round
    }

    /// What stands for the report of one that is always ready.
    func readinessEvent(ofAlwaysReady number: Int) -> ReadinessEvent {
        ReadinessEvent(token: Self.token(number, slots[number]), readiness: [.readable, .writable])
    }

    func descriptors(with direction: Interest) -> [FileDescriptor] {
        slots.indices.filter { !slots[$0].isOwn && slots[$0].directions.contains(direction) }.map(Self.descriptor)
    }

    /// The numbers of what is watched, the reactor's own left out.
    var numbers: [Int] {
        slots.indices.filter { !slots[$0].isOwn && !slots[$0].directions.isEmpty }
    }

    // MARK: All of it

    /// Forgets all of it. The generations stay: events that were reported before may be still to be delivered.
    mutating func forgetAll() {
        slots = slots.map(\.emptied)
        for number in slots.indices { slots[number].removedInRound = round }
        alwaysReady = []
    }

    /// One that was taken off the books because it cannot be watched.
    typealias Taken = (slot: Slot, number: Int, error: Errno)

    /// Takes those off the books that were closed without being removed.
    mutating func takeClosed() -> [Taken] {
        slots.indices.filter { slots[$0].state != .unknown && !Self.descriptor($0).isOpen }.map { number in
            let slot = slots[number]
            forget(number)
            return (slot, number, .badFileDescriptor)
        }
    }

    /// Watches all of it again with a backend that watches nothing.
    ///
    /// - Returns: Those that are refused now, off the books.
    mutating func registerAgain(with backend: any ReactorBackend) -> [Taken] {
        var refused: [Taken] = []
        for number in slots.indices where slots[number].state == .registered {
            let before = slots[number]
            var after = before
            do throws(Errno) {
                if before.directions.isEmpty {
                    // A one-shot that was told: asked for again, it is registered.
                    after.state = .unknown
                } else {
                    // Under the same generation: what was reported before is still of the same file.
                    try backend.register(
                        Self.descriptor(number), interest: before.interest, token: Self.token(number, before))
                }
                slots[number] = after
            } catch {
                forget(number)
                refused.append((before, number, error))
            }
        }
        return refused
    }

    static func descriptor(_ number: Int) -> FileDescriptor { FileDescriptor(rawValue: CInt(number)) }

    private static func token(_ number: Int, _ slot: Slot) -> UInt64 {
        UInt64(slot.generation) << 32 | UInt64(number)
    }
}

extension WatchedDescriptors.Slot {
    fileprivate mutating func set(_ handler: WatchedDescriptors.Handler) {
        switch handler {
        case .reader(let reader): self.reader = reader
        case .writer(let writer): self.writer = writer
        }
    }

    fileprivate mutating func clear(_ direction: Interest) {
        if direction.contains(.readable) { reader = nil }
        if direction.contains(.writable) { writer = nil }
    }
}
