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
    var buffered: [Int] = []
    var entries: [PollEntry] = []
    for (index, thing) in things.enumerated() {
        if thing.hasBufferedInput { buffered.append(index) }
        entries.append(try thing.withDescriptor { descriptor in PollEntry(descriptor, .readable) })
    }
    let until = buffered.isEmpty ? deadline : .now
    do throws(Errno) { try poll(&entries, until: until) } catch { throw .system(error) }
    if entries.contains(where: { $0.readiness.contains(.invalid) }) { throw .system(.badFileDescriptor) }
    return things.indices.filter { !entries[$0].readiness.isEmpty || buffered.contains($0) }
}
