import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a descriptor is waited for, or is ready for. See poll(2).
public struct PollEvents: OptionSet, Hashable, Sendable {
    public let rawValue: CShort
    public init(rawValue: CShort) { self.rawValue = rawValue }

    public static var readable: PollEvents { PollEvents(rawValue: CShort(POLLIN)) }
    public static var writable: PollEvents { PollEvents(rawValue: CShort(POLLOUT)) }
    /// Reported whether asked for or not.
    public static var error: PollEvents { PollEvents(rawValue: CShort(POLLERR)) }
    /// The other side has hung up. Reported whether asked for or not; data may still be there to read.
    public static var hangUp: PollEvents { PollEvents(rawValue: CShort(POLLHUP)) }
    /// The descriptor is not open. Reported whether asked for or not.
    public static var invalid: PollEvents { PollEvents(rawValue: CShort(POLLNVAL)) }
}

/// One descriptor in a `poll`.
public struct PollEntry: Sendable {
    fileprivate var entry: pollfd

    public init(_ descriptor: FileDescriptor, _ events: PollEvents) {
        entry = pollfd(fd: descriptor.rawValue, events: events.rawValue, revents: 0)
    }

    public var descriptor: FileDescriptor { FileDescriptor(rawValue: entry.fd) }
    /// What it is waited for.
    public var events: PollEvents { PollEvents(rawValue: entry.events) }
    /// What it was found ready for by the last `poll`.
    public var readiness: PollEvents { PollEvents(rawValue: entry.revents) }
}

/// Waits until one of the descriptors is ready, or the deadline has passed.
///
/// Signals do not end or prolong it.
/// - Returns: How many are ready; 0 when the deadline has passed.
///
/// The corresponding C function is `ppoll` (`poll` on Darwin).
@discardableResult
public func poll(_ entries: inout [PollEntry], until deadline: Deadline = .never) throws(Errno) -> Int {
    while true {
        // PollEntry holds nothing but a pollfd.
        let result = entries.withUnsafeMutableBytes { bytes in
            let pointer = bytes.baseAddress?.assumingMemoryBound(to: pollfd.self)
            guard let remaining = deadline.remaining else {
                return csys_poll(pointer, bytes.count / MemoryLayout<pollfd>.stride, nil)
            }
            var timeout = timespec(remaining)
            return csys_poll(pointer, bytes.count / MemoryLayout<pollfd>.stride, &timeout)
        }
        if result >= 0 { return Int(result) }
        let error = Errno.current
        if error != .interrupted { throw error }
    }
}

extension FileDescriptor {
    /// Waits until this descriptor is ready for one of `events`, has hung up or is in error.
    ///
    /// - Returns: What it is ready for; empty when the deadline has passed.
    /// - Throws: `Errno.badFileDescriptor` for one that is not open.
    ///
    /// The corresponding C function is `poll`.
    public func wait(for events: PollEvents, until deadline: Deadline = .never) throws(Errno) -> PollEvents {
        var entry = pollfd(fd: rawValue, events: events.rawValue, revents: 0)
        while true {
            let result: CInt
            if let remaining = deadline.remaining {
                var timeout = timespec(remaining)
                result = csys_poll(&entry, 1, &timeout)
            } else {
                result = csys_poll(&entry, 1, nil)
            }
            if result == -1 {
                let error = Errno.current
                if error == .interrupted { continue }
                throw error
            }
            let readiness = PollEvents(rawValue: entry.revents)
            if readiness.contains(.invalid) { throw .badFileDescriptor }
            return readiness
        }
    }
}
