import Framing
import Reactor
import Syscalls

/// A listener for async code, driven by a reactor's thread.
///
/// Safe to use from any task; several that accept share the clients.
public final class AsyncListener: Sendable {
    /// The listener below, which nobody else may accept from.
    public let listener: Listener
    private let waits: DescriptorWaits
    private let accepting = AsyncGate()

    /// Makes an async listener of a blocking one.
    ///
    /// - Parameter reactor: The thread that waits for it, and for its connections.
    public init(_ listener: Listener, reactor: ReactorThread = .shared) {
        self.listener = listener
        waits = DescriptorWaits(reactor: reactor)
    }

    /// Waits for the next client.
    ///
    /// Parameters and errors are those of `Listener.accept`; and `CancellationError`, after which clients still wait.
    public func accept(
        descriptorLimit: Int = 0, until deadline: Deadline = .never
    ) async throws -> AsyncConnection {
        try await accepting.withPermit(until: deadline, on: waits.reactor) {
            while true {
                do throws(FramingError) {
                    let connection = try listener.accept(descriptorLimit: descriptorLimit, until: .now)
                    return AsyncConnection(connection, reactor: waits.reactor)
                } catch {
                    switch error {
                    case .timedOut: break
                    case .system(let number) where number.isShortage && !deadline.hasPassed:
                        // The client waits in the backlog; the listener is readable all the time.
                        try await pause(for: pauseInShortage)
                        continue
                    default: throw error
                    }
                }
                try await waits.waitUntilReadable(listener, until: deadline)
            }
        }
    }

    /// Stops listening; who waits in `accept` gets `FramingError.closed`. See `Listener.close`.
    public func close() {
        waits.close(listener)
    }
}
