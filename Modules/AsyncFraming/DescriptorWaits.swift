import Framing
import Reactor
import Syscalls

/// The waits of async calls for the descriptor of one connection or listener, which closing it ends.
///
/// Each waits for a duplicate: the reactor knows one handler a descriptor and direction, and the number must not become another
/// file's meanwhile.
final class DescriptorWaits: Sendable {
    let reactor: ReactorThread
    private let count = Lock(0)

    init(reactor: ReactorThread) {
        self.reactor = reactor
    }

    /// Waits until the descriptor of `waited` is readable, or for a moment where there is no room for a duplicate.
    ///
    /// - Throws: `FramingError.timedOut` at the deadline; `.closed`; `CancellationError`.
    func waitUntilReadable(_ waited: some DescriptorOwner, until deadline: Deadline) async throws {
        try await wait(waited, until: deadline) { try await reactor.waitUntilReadable($0, until: deadline) }
    }

    /// Waits until the descriptor of `waited` is writable; see `waitUntilReadable`.
    func waitUntilWritable(_ waited: some DescriptorOwner, until deadline: Deadline) async throws {
        try await wait(waited, until: deadline) { try await reactor.waitUntilWritable($0, until: deadline) }
    }

    private func wait(
        _ waited: some DescriptorOwner, until deadline: Deadline, _ wait: (FileDescriptor) async throws -> Void
    ) async throws {
        do {
            try await waitOnce(waited, wait)
        } catch FramingError.system(let error) where error.isShortage {
            // No room for the duplicate: the caller asks again, as after any wait.
            if deadline.hasPassed { throw FramingError.timedOut }
            try await pause(for: min(deadline.remaining ?? pauseInShortage, pauseInShortage))
        }
    }

    private func waitOnce(_ waited: some DescriptorOwner, _ wait: (FileDescriptor) async throws -> Void) async throws {
        // Under the lock: a close either finds this wait or refuses it.
        let duplicate = try count.withLock { count throws(FramingError) in
            let duplicate = try waited.withDescriptor { descriptor throws(FramingError) in
                try framing { () throws(Errno) in try descriptor.duplicate() }
            }
            count += 1
            return duplicate
        }
        defer { count.withLock { $0 -= 1 } }
        do {
            try await wait(duplicate.descriptor)
        } catch let error as Errno {
            throw error == .timedOut ? FramingError.timedOut : .system(error)
        }
    }

    /// Closes it, and ends the waits for it if it is a socket.
    func close(_ waited: some DescriptorOwner) {
        count.withLock { count in
            // For who holds a duplicate the stream would go on.
            if count > 0 { try? waited.withDescriptor { try? $0.shutdown() } }
            waited.close()
        }
    }
}

/// How long to wait before another try where this process or the system lacks descriptors or memory.
let pauseInShortage = Duration.milliseconds(50)

protocol DescriptorOwner: Sendable {
    func withDescriptor<Result: ~Copyable>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result
    func close()
}

extension Connection: DescriptorOwner {}
extension Listener: DescriptorOwner {}
