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
    /// How many calls wait for the descriptor.
    private let waits = Lock(0)

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
        guard connection.isWritable else { throw FramingError.notWritable }
        try await sending.withPermit {
            var progress = FrameProgress()
            while try !connection.sendAvailable(message.span.bytes, passing: descriptors, progress: &progress) {
                do {
                    try await waitUntilWritable()
                } catch {
                    if progress.sent > 0 { close() }
                    throw error
                }
            }
        }
    }

    /// Closes the connection; calls under way and later ones throw `FramingError.closed`.
    ///
    /// On a pipe, a call that waits goes on waiting until its peer acts or its task is cancelled.
    public func close() {
        waits.withLock { count in
            // Who waits holds a duplicate, for which the stream goes on.
            if count > 0 { try? connection.withDescriptor { try? $0.shutdown() } }
            connection.close()
        }
    }

    public var isClosed: Bool { connection.isClosed }

    private func waitUntilReadable() async throws {
        try await wait { try await reactor.waitUntilReadable($0) }
    }

    private func waitUntilWritable() async throws {
        try await wait { try await reactor.waitUntilWritable($0) }
    }

    /// Waits for a duplicate: the reactor knows one handler a descriptor and direction, and the number must not become
    /// another file's meanwhile.
    private func wait(_ wait: (FileDescriptor) async throws -> Void) async throws {
        // Under the lock: a close either finds this wait or refuses it.
        let duplicate = try waits.withLock { count throws(FramingError) in
            let duplicate = try connection.duplicateDescriptor()
            count += 1
            return duplicate
        }
        defer { waits.withLock { $0 -= 1 } }
        try await wait(duplicate.descriptor)
    }
}
