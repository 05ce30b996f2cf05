import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a descriptor is waited for, or is ready for. See poll(2).
@frozen public struct PollEvents: OptionSet, Hashable, Sendable {
    /// The bits, as poll(2) has them.
    public let rawValue: CShort
    /// Bits of poll(2), with those that have no name here.
    @inlinable public init(rawValue: CShort) { self.rawValue = rawValue }

    /// The corresponding C constant is `POLLIN`.
    @inlinable public static var readable: PollEvents { PollEvents(rawValue: CShort(POLLIN)) }
    /// The corresponding C constant is `POLLOUT`.
    @inlinable public static var writable: PollEvents { PollEvents(rawValue: CShort(POLLOUT)) }
    /// Reported whether asked for or not. The corresponding C constant is `POLLERR`.
    @inlinable public static var error: PollEvents { PollEvents(rawValue: CShort(POLLERR)) }
    /// The other side has hung up. Reported whether asked for or not; data may still be there to read.
    /// The corresponding C constant is `POLLHUP`.
    @inlinable public static var hangUp: PollEvents { PollEvents(rawValue: CShort(POLLHUP)) }
    /// The descriptor is not open. Reported whether asked for or not. The corresponding C constant is `POLLNVAL`.
    @inlinable public static var invalid: PollEvents { PollEvents(rawValue: CShort(POLLNVAL)) }
}

/// One descriptor in a `poll`. See poll(2).
@frozen public struct PollEntry: Sendable {
    @usableFromInline var entry: pollfd

    /// A descriptor that is waited for. It has to stay open while `poll` runs. See poll(2).
    @inlinable public init(_ descriptor: FileDescriptor, _ events: PollEvents) {
        entry = pollfd(fd: descriptor.rawValue, events: events.rawValue, revents: 0)
    }

    /// The descriptor that is waited for. The corresponding C field is `fd`.
    @inlinable public var descriptor: FileDescriptor { FileDescriptor(rawValue: entry.fd) }
    /// What it is waited for. The corresponding C field is `events`.
    @inlinable public var events: PollEvents { PollEvents(rawValue: entry.events) }
    /// What it was found ready for by the last `poll`. The corresponding C field is `revents`.
    @inlinable public var readiness: PollEvents { PollEvents(rawValue: entry.revents) }
}

/// Waits until one of the descriptors is ready, or the deadline has passed.
///
/// Signals do not end or prolong it.
/// - Returns: How many are ready; 0 when the deadline has passed.
///
/// The corresponding C function is `ppoll` (`poll` on Darwin).
@discardableResult
public func poll(_ entries: inout [PollEntry], until deadline: Deadline = .never) throws(Errno) -> Int {
    try repeatedWhenInterrupted { () throws(Errno) in try pollOnce(&entries, timeout: deadline.remaining) }
}

/// The same once: a signal ends the wait by `Errno.interrupted`. The corresponding C function is `ppoll`.
///
/// - Parameter timeout: `nil` waits for ever.
package func pollOnce(_ entries: inout [PollEntry], timeout: Duration?) throws(Errno) -> Int {
    let result = entries.withUnsafeMutableBytes { bytes in
        // PollEntry holds nothing but a pollfd.
        let pointer = bytes.baseAddress?.assumingMemoryBound(to: pollfd.self)
        return rawPoll(pointer, bytes.count / MemoryLayout<pollfd>.stride, timeout: timeout)
    }
    return Int(try checked(result))
}

private func rawPoll(_ entries: UnsafeMutablePointer<pollfd>?, _ count: Int, timeout: Duration?) -> CInt {
    guard let timeout else { return csys_poll(entries, count, nil) }
    var time = timespec(timeout)
    return csys_poll(entries, count, &time)
}

/// Repeats a wait whose timeout is worked out anew each time, so that signals do not make it drift.
func repeatedWhenInterrupted<Result>(_ wait: () throws(Errno) -> Result) throws(Errno) -> Result {
    while true {
        do throws(Errno) {
            return try wait()
        } catch .interrupted {
            continue
        }
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
        // The kernel passes over a negative one and would wait for nothing.
        if rawValue < 0 { throw .badFileDescriptor }
        var entry = pollfd(fd: rawValue, events: events.rawValue, revents: 0)
        return try repeatedWhenInterrupted { () throws(Errno) in
            try checked(rawPoll(&entry, 1, timeout: deadline.remaining))
            let readiness = PollEvents(rawValue: entry.revents)
            if readiness.contains(.invalid) { throw .badFileDescriptor }
            return readiness
        }
    }

    /// The same once: a signal ends the wait by `Errno.interrupted`. The corresponding C function is `ppoll`.
    ///
    /// - Parameter timeout: `nil` waits for ever.
    package func waitOnce(for events: PollEvents, timeout: Duration?) throws(Errno) {
        var entry = pollfd(fd: rawValue, events: events.rawValue, revents: 0)
        try checked(rawPoll(&entry, 1, timeout: timeout))
    }
}
