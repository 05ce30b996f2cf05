import Framing
import Reactor
import Syscalls

/// A connection for async code: `await` instead of blocking, driven by a reactor's thread.
///
/// The format and the errors are those of `Connection`. One task may send while another receives; several that want to do
/// the same wait for each other. No cooperative thread is ever blocked.
public final class AsyncConnection: Sendable {
    private let connection: Connection
    private let reactor: ReactorThread
    private let receiving = AsyncGate()
    private let sending = AsyncGate()

    /// Makes an async connection of a blocking one, which must not be used any more by itself.
    ///
    /// - Parameter reactor: The thread that waits for it.
    public init(_ connection: Connection, reactor: ReactorThread = .shared) {
        self.connection = connection
        self.reactor = reactor
    }

    /// Receives the next message.
    ///
    /// - Parameter limit: The most bytes that it may have.
    /// - Throws: `FramingError`; or `CancellationError`, after which nothing is lost: what has come of a message is kept for
    ///   the next call.
    public func receive(limit: Int = .max) async throws -> [UInt8] {
        try await receiving.withPermit {
            while true {
                do {
                    return try connection.receive(limit: limit, until: .now)
                } catch FramingError.timedOut {
                    try await waitUntilReadable()
                }
            }
        }
    }

    /// Sends one message.
    ///
    /// - Throws: `FramingError`; or `CancellationError`: when part of the message had been sent by then the connection is
    ///   closed (`isClosed`), since the stream could not go on; otherwise it is as if nothing had happened.
    public func send(_ message: [UInt8], passing descriptors: [FileDescriptor] = []) async throws {
        try await sending.withPermit {
            var progress = FrameProgress()
            while try !connection.sendAvailable(message.span.bytes, passing: descriptors, progress: &progress) {
                do {
                    try await waitUntilWritable()
                } catch {
                    if progress.sent > 0 { connection.close() }
                    throw error
                }
            }
        }
    }

    /// Closes the connection; calls under way and later ones throw `FramingError.closed`.
    public func close() {
        connection.close()
    }

    public var isClosed: Bool { connection.isClosed }

    // The reactor knows one handler a descriptor and direction, and the number must stay ours while it waits: a duplicate.

    private func waitUntilReadable() async throws {
        let duplicate = try duplicateDescriptor()
        try await reactor.waitUntilReadable(duplicate.descriptor)
    }

    private func waitUntilWritable() async throws {
        let duplicate = try duplicateDescriptor()
        try await reactor.waitUntilWritable(duplicate.descriptor)
    }

    private func duplicateDescriptor() throws(FramingError) -> OwnedFileDescriptor {
        try connection.duplicateDescriptor()
    }
}
