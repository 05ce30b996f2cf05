import FDPassing
import Framing
import Reactor
import Syscalls

/// A connection for async code: `await` instead of blocking, driven by a reactor's thread.
///
/// The format and the errors are those of `Connection`. One task may send while another receives; several that want to do
/// the same wait for each other. No cooperative thread is ever blocked.
public final class AsyncConnection: Sendable {
    private let connection: Connection
    private let waits: DescriptorWaits
    private let receiving = AsyncGate()
    private let sending = AsyncGate()

    /// Makes an async connection of a blocking one, which must not be used any more by itself.
    ///
    /// - Parameter reactor: The thread that waits for it.
    public init(_ connection: Connection, reactor: ReactorThread = .shared) {
        self.connection = connection
        waits = DescriptorWaits(reactor: reactor)
    }

    // MARK: Messages

    /// Receives the next message.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that it may have.
    ///   - deadline: When to give up.
    /// - Throws: `FramingError`, among them `.timedOut`; or `CancellationError`. After these two nothing is lost: what has come
    ///   of a message is kept for the next call.
    public func receive(limit: Int = .max, until deadline: Deadline = .never) async throws -> [UInt8] {
        try await receiving.withPermit(until: deadline, on: waits.reactor) {
            while true {
                do throws(FramingError) {
                    return try connection.receive(limit: limit, until: .now)
                } catch {
                    if error != .timedOut { throw error }
                }
                try await waits.waitUntilReadable(connection, until: deadline)
            }
        }
    }

    /// Sends one message.
    ///
    /// - Parameters:
    ///   - message: Its bytes.
    ///   - descriptors: What travels beside them (see `Connection`); they stay the caller's, and open until the call returns.
    ///   - deadline: When to give up.
    /// - Throws: `FramingError`; or `CancellationError`. When the deadline or the cancellation came before any of the message
    ///   was sent, it is `.timedOut` or `CancellationError`, as if nothing had happened. When a part was sent, it is
    ///   `.partlySent`, and the connection is closed, since the stream could not go on.
    public func send(
        _ message: [UInt8], passing descriptors: [FileDescriptor] = [], until deadline: Deadline = .never
    ) async throws {
        guard connection.isWritable else { throw FramingError.notWritable }
        try await sending.withPermit(until: deadline, on: waits.reactor) {
            var progress = SendProgress()
            while true {
                do throws(FramingError) {
                    return try connection.send(
                        message.span.bytes, passing: descriptors, progress: &progress, until: .now)
                } catch {
                    if error != .timedOut { throw error }
                }
                do {
                    try await waits.waitUntilWritable(connection, until: deadline)
                } catch {
                    guard progress.sent > 0, !isClosed else { throw error }
                    close()
                    let total = FrameHeader(length: message.count).byteCount + message.count
                    throw FramingError.partlySent(bytes: progress.sent, of: total)
                }
            }
        }
    }

    /// Whether `receive` would find something at once: a message, a part of one, or the end.
    ///
    /// - Parameter deadline: How long to wait for it; by default not at all.
    /// - Returns: `false` when nothing has come by the deadline.
    public func poll(until deadline: Deadline = .now) async throws -> Bool {
        do {
            return try await receiving.withPermit(until: deadline, on: waits.reactor) {
                while try !connection.poll() {
                    if deadline.hasPassed { return false }
                    try await waits.waitUntilReadable(connection, until: deadline)
                }
                return true
            }
        } catch FramingError.timedOut {
            return false
        }
    }

    /// Takes descriptors that came with the messages received so far, in their order; see `Connection`.
    public func receiveDescriptors(_ count: Int) throws(FramingError) -> DescriptorBatch {
        try connection.receiveDescriptors(count)
    }

    // MARK: The end

    /// Closes the connection; calls under way and later ones throw `FramingError.closed`.
    ///
    /// On a pipe, a call that waits goes on waiting until its peer acts or its task is cancelled.
    public func close() {
        waits.close(connection)
    }

    /// Whether it was closed at this side.
    public var isClosed: Bool { connection.isClosed }
}
