import Syscalls

/// The backend over poll(2): everywhere, and slower with every descriptor watched.
public final class PollBackend: ReactorBackend {
    public static var name: String { "poll" }

    private var entries: [PollEntry] = []
    private var tokens: [UInt64] = []
    /// Where in `entries` a descriptor is.
    private var places: [FileDescriptor: Int] = [:]

    public init() {}

    public func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        // poll(2) would report it only later, and not by an error.
        guard descriptor.isOpen else { throw .badFileDescriptor }
        guard places[descriptor] == nil else { throw .fileExists }
        places[descriptor] = entries.count
        entries.append(PollEntry(descriptor, Self.events(interest)))
        tokens.append(token)
    }

    public func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        guard let place = places[descriptor] else { throw .noSuchFileOrDirectory }
        guard descriptor.isOpen else { throw .badFileDescriptor }
        entries[place] = PollEntry(descriptor, Self.events(interest))
        tokens[place] = token
    }

    public func deregister(_ descriptor: FileDescriptor) {
        guard let place = places.removeValue(forKey: descriptor) else { return }
        // The last one takes the free place.
        let last = entries.removeLast()
        let lastToken = tokens.removeLast()
        if place < entries.count {
            entries[place] = last
            tokens[place] = lastToken
            places[last.descriptor] = place
        }
    }

    public func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        var left = try pollOnce(&entries, timeout: timeout)
        for (entry, token) in zip(entries, tokens) where left > 0 && !entry.readiness.isEmpty {
            left -= 1
            events.append(ReadinessEvent(token: token, readiness: Self.readiness(entry.readiness)))
        }
    }

    public func recreateAfterFork() {
        entries = []
        tokens = []
        places = [:]
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
