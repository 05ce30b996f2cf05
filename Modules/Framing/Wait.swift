import Syscalls

/// Something that one can wait to read from: a connection, a listener, a descriptor, or a process that is to end.
public protocol Waitable {
    /// Begins a wait: gives the descriptor whose readability is waited for.
    ///
    /// It stays open, and its number is not given to another file, until the matching `endWaiting`.
    /// - Throws: `FramingError.closed`.
    func beginWaiting() throws(FramingError) -> WaitedDescriptor

    /// Ends a wait that was begun.
    func endWaiting()

    /// Whether there is something to read that the descriptor does not tell of.
    var hasBufferedInput: Bool { get }
}

extension Waitable {
    /// Nothing to do, where the descriptor is the caller's or the wait's own.
    public func endWaiting() {}

    /// Nothing is read ahead.
    public var hasBufferedInput: Bool { false }
}

/// A descriptor to wait on, which somebody else keeps open or which belongs to the wait.
public struct WaitedDescriptor: Sendable {
    let descriptor: FileDescriptor
    private let owner: Owner?

    /// One that stays open until the wait has ended.
    public init(_ descriptor: FileDescriptor) {
        self.descriptor = descriptor
        owner = nil
    }

    /// One that is closed when the wait has ended.
    public init(owning descriptor: consuming OwnedFileDescriptor) {
        let owner = Owner(descriptor)
        self.descriptor = owner.descriptor.descriptor
        self.owner = owner
    }

    private final class Owner: Sendable {
        let descriptor: OwnedFileDescriptor

        init(_ descriptor: consuming OwnedFileDescriptor) {
            self.descriptor = descriptor
        }
    }
}

extension Connection: Waitable {
    public func beginWaiting() throws(FramingError) -> WaitedDescriptor {
        WaitedDescriptor(try closable.beginUse())
    }

    public func endWaiting() { closable.endUse() }

    public var hasBufferedInput: Bool { bufferedByteCount > 0 }
}

extension Listener: Waitable {
    public func beginWaiting() throws(FramingError) -> WaitedDescriptor {
        WaitedDescriptor(try closable.beginUse())
    }

    public func endWaiting() { closable.endUse() }
}

extension FileDescriptor: Waitable {
    public func beginWaiting() throws(FramingError) -> WaitedDescriptor { WaitedDescriptor(self) }
}

/// Waits until one of several things can be read, as CPython's `multiprocessing.connection.wait`.
///
/// Closing one that is a socket ends the wait.
/// - Returns: The places of those that are ready, in order; none when the deadline has passed.
/// - Throws: `FramingError.invalidDescriptor` for one that is not open, by its place; `.closed` for a connection or listener
///   that was closed.
///
/// The corresponding C function is `poll`.
public func wait(for things: [any Waitable], until deadline: Deadline = .never) throws(FramingError) -> [Int] {
    var waited: [WaitedDescriptor] = []
    waited.reserveCapacity(things.count)
    // Each use that was begun is ended, also when a later one cannot begin.
    defer { for thing in things.prefix(waited.count) { thing.endWaiting() } }
    for thing in things { waited.append(try thing.beginWaiting()) }
    // The kernel passes over a negative one and would wait for nothing.
    if let position = waited.firstIndex(where: { $0.descriptor.rawValue < 0 }) {
        throw .invalidDescriptor(position: position, number: waited[position].descriptor.rawValue)
    }
    let buffered = things.map(\.hasBufferedInput)
    var entries = waited.map { PollEntry($0.descriptor, .readable) }
    do throws(Errno) {
        try poll(&entries, until: buffered.contains(true) ? .now : deadline)
    } catch {
        throw .system(error)
    }
    if let position = entries.firstIndex(where: { $0.readiness.contains(.invalid) }) {
        throw .invalidDescriptor(position: position, number: waited[position].descriptor.rawValue)
    }
    return things.indices.filter { buffered[$0] || !entries[$0].readiness.isEmpty }
}
