import Syscalls

/// Something that one can wait to read from: a connection, a listener, a descriptor.
public protocol Waitable {
    /// Runs a call on the descriptor that tells of readiness.
    func withDescriptor<Result>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result

    /// Whether there is something to read that the descriptor does not tell of.
    var hasBufferedInput: Bool { get }
}

extension Connection: Waitable {
    public var hasBufferedInput: Bool { bufferedByteCount > 0 }
}

extension Listener: Waitable {
    public var hasBufferedInput: Bool { false }
}

extension FileDescriptor: Waitable {
    public func withDescriptor<Result>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        try body(self)
    }

    public var hasBufferedInput: Bool { false }
}

/// Waits until one of several things can be read, as CPython's `multiprocessing.connection.wait`.
///
/// - Returns: The places of those that are ready, in order; none when the deadline has passed.
/// - Throws: `FramingError.closed` for a connection that is closed, `.system(.badFileDescriptor)` for a descriptor that is
///   not open.
public func wait(for things: [any Waitable], until deadline: Deadline = .never) throws(FramingError) -> [Int] {
    let buffered = things.indices.filter { things[$0].hasBufferedInput }
    var entries: [PollEntry] = []
    try pollHolding(things[...], &entries, until: buffered.isEmpty ? deadline : .now)
    if entries.contains(where: { $0.readiness.contains(.invalid) }) { throw .system(.badFileDescriptor) }
    return things.indices.filter { !entries[$0].readiness.isEmpty || buffered.contains($0) }
}

/// Polls while a call is under way on each of the things: so none of their numbers is given to another file meanwhile, and
/// closing one that is a socket ends the wait.
private func pollHolding(
    _ things: ArraySlice<any Waitable>, _ entries: inout [PollEntry], until deadline: Deadline
) throws(FramingError) {
    guard let thing = things.first else {
        do throws(Errno) { try poll(&entries, until: deadline) } catch { throw .system(error) }
        return
    }
    try thing.withDescriptor { descriptor throws(FramingError) in
        // The kernel passes over a negative one and would wait for nothing.
        if descriptor.rawValue < 0 { throw .system(.badFileDescriptor) }
        entries.append(PollEntry(descriptor, .readable))
        try pollHolding(things.dropFirst(), &entries, until: deadline)
    }
}
