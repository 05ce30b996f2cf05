import Synchronization
import Syscalls

/// A descriptor that one thread may close while others use it.
///
/// Its number is given back to the kernel only when the last call that uses it has returned, so that no call ever meets
/// another file under the same number.
struct ClosableDescriptor: ~Copyable, Sendable {
    private let number: CInt
    /// The calls under way, and the highest bits once it is closed and released.
    private let state = Atomic<UInt32>(0)
    private static let closedBit: UInt32 = 1 << 31
    private static let releasedBit: UInt32 = 1 << 30

    init(_ descriptor: consuming OwnedFileDescriptor) {
        number = descriptor.take()
    }

    deinit {
        if state.load(ordering: .relaxed) & Self.closedBit == 0 { _ = OwnedFileDescriptor(owning: number) }
    }

    var isClosed: Bool { state.load(ordering: .acquiring) & Self.closedBit != 0 }

    /// Begins a use of the descriptor, whose number nobody else gets before the matching `endUse`.
    ///
    /// - Throws: `FramingError.closed` when it is closed.
    borrowing func beginUse() throws(FramingError) -> FileDescriptor {
        if state.wrappingAdd(1, ordering: .acquiring).newValue & Self.closedBit != 0 {
            endUse()
            throw .closed
        }
        return FileDescriptor(rawValue: number)
    }

    borrowing func endUse() {
        let after = state.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if after == Self.closedBit { release() }
    }

    /// Runs a call on the descriptor.
    ///
    /// - Throws: `FramingError.closed` when it is closed.
    borrowing func withDescriptor<Result: ~Copyable>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        let descriptor = try beginUse()
        defer { endUse() }
        return try body(descriptor)
    }

    /// Closes it, at the latest when the calls under way have returned. Safe to call again.
    ///
    /// A call that waits on a socket is woken; one that waits on a pipe goes on waiting.
    borrowing func close() {
        // A use itself, so that the number is not another file's by the time of the shutdown.
        state.wrappingAdd(1, ordering: .acquiring)
        defer { endUse() }
        let before = state.bitwiseOr(Self.closedBit, ordering: .acquiringAndReleasing).oldValue
        if before & Self.closedBit == 0, before > 1 { try? FileDescriptor(rawValue: number).shutdown() }
    }

    /// Gives the descriptor up to the caller; `nil` when it is closed or in use.
    borrowing func take() -> OwnedFileDescriptor? {
        let (exchanged, _) = state.compareExchange(
            expected: 0, desired: Self.closedBit | Self.releasedBit, ordering: .acquiringAndReleasing)
        return exchanged ? OwnedFileDescriptor(owning: number) : nil
    }

    /// Closed by whoever gets there first: `close`, or the last call to return.
    private borrowing func release() {
        let before = state.bitwiseOr(Self.releasedBit, ordering: .acquiringAndReleasing).oldValue
        if before & Self.releasedBit == 0 { _ = OwnedFileDescriptor(owning: number) }
    }
}
