import Syscalls

/// The backend over poll(2): everywhere, and slower with every descriptor watched.
public final class PollBackend: ReactorBackend {
    public static var name: String { "poll" }

    // Unchecked: no code of others runs while these are touched, and there is one thread.
    @exclusivity(unchecked) private var entries: [PollEntry] = []
    /// What is known of the entry at the same place.
    @exclusivity(unchecked) private var registrations: [Registration] = []
    /// By descriptor number: where in `entries` it is, or -1.
    @exclusivity(unchecked) private var places: [Int] = []

    fileprivate struct Registration {
        let descriptor: FileDescriptor
        let token: UInt64
        let isOneShot: Bool
    }

    public init() {}

    public func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        try check(descriptor, interest)
        guard place(of: descriptor) == nil else { throw .fileExists }
        let number = Int(descriptor.rawValue)
        while places.count <= number { places.append(-1) }
        places[number] = entries.count
        entries.append(PollEntry(descriptor, Self.events(interest)))
        registrations.append(Registration(descriptor, interest, token))
    }

    public func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        guard let place = place(of: descriptor) else { throw .noSuchFileOrDirectory }
        try check(descriptor, interest)
        entries[place] = PollEntry(descriptor, Self.events(interest))
        registrations[place] = Registration(descriptor, interest, token)
    }

    public func deregister(_ descriptor: FileDescriptor) {
        guard let place = place(of: descriptor) else { return }
        places[Int(descriptor.rawValue)] = -1
        // The last one takes the free place.
        let last = entries.removeLast()
        let lastRegistration = registrations.removeLast()
        if place < entries.count {
            entries[place] = last
            registrations[place] = lastRegistration
            places[Int(lastRegistration.descriptor.rawValue)] = place
        }
    }

    public func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        var left = try pollOnce(&entries, timeout: timeout)
        var place = 0
        while left > 0 {
            let readiness = entries[place].readiness
            if !readiness.isEmpty {
                left -= 1
                let registration = registrations[place]
                events.append(ReadinessEvent(token: registration.token, readiness: Self.readiness(readiness)))
                // The kernel passes over negative numbers. Without events alone it would still tell of a hang-up.
                if registration.isOneShot { entries[place] = PollEntry(FileDescriptor(rawValue: -1), []) }
            }
            place += 1
        }
    }

    public func recreate() {
        entries = []
        registrations = []
        places = []
    }

    private func place(of descriptor: FileDescriptor) -> Int? {
        let number = Int(descriptor.rawValue)
        guard places.indices.contains(number), places[number] >= 0 else { return nil }
        return places[number]
    }

    private func check(_ descriptor: FileDescriptor, _ interest: Interest) throws(Errno) {
        // poll(2) would report it only later, and not by an error.
        guard descriptor.isOpen else { throw .badFileDescriptor }
        // poll(2) knows the state alone, not what changed it.
        guard !interest.contains(.edgeTriggered) else { throw .notSupported }
    }

    private static func events(_ interest: Interest) -> PollEvents {
        var events: PollEvents = []
        if interest.contains(.readable) { events.insert(.readable) }
        if interest.contains(.writable) { events.insert(.writable) }
        return events
    }

    private static func readiness(_ events: PollEvents) -> Readiness {
        var readiness: Readiness = []
        if events.contains(.readable) { readiness.insert(.readable) }
        if events.contains(.writable) { readiness.insert(.writable) }
        if events.contains(.hangUp) { readiness.insert(.hangUp) }
        if events.contains(.error) { readiness.insert(.error) }
        if events.contains(.invalid) { readiness.insert(.invalid) }
        return readiness
    }
}

extension PollBackend.Registration {
    fileprivate init(_ descriptor: FileDescriptor, _ interest: Interest, _ token: UInt64) {
        self.init(descriptor: descriptor, token: token, isOneShot: interest.contains(.oneShot))
    }
}
