import AsyncFraming
import BinaryCoding
import FDPassing
import Framing
import Syscalls

extension ForkServer {
    /// What a server knows of itself.
    public struct Statistics: Codable, Hashable, Sendable {
        /// Forks since it started, those of spares included.
        public let forks: Int
        /// Requests that a spare has served.
        public let activations: Int
        /// Children of its clients that run.
        public let childrenRunning: Int
        /// Spares that wait for a request.
        public let sparesReady: Int
        /// What a fork takes, on a sliding average.
        public let forkTime: Duration
        /// Requests that it has read and not served yet.
        public let waitingRequests: Int
        /// Memory of it that is in use, in KiB; 0 where the kernel does not tell.
        public let residentMemoryKiB: Int
        /// Memory of it that it shares with nobody, in KiB; 0 where the kernel does not tell.
        public let privateMemoryKiB: Int
        /// Its threads: one.
        public let threads: Int
    }

    /// What the server knows of itself; `nil` when it does not run.
    @available(*, noasync, message: "use the async statistics()")
    public func statistics(until deadline: Deadline = .after(.seconds(10))) throws(ForkServerError) -> Statistics? {
        try statisticsBlocking(until: deadline)
    }

    /// What the server knows of itself, without blocking a thread of the caller's; `nil` when it does not run.
    public func statistics(
        until deadline: Deadline = .after(.seconds(10))
    ) async throws(ForkServerError) -> Statistics? {
        try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
            try self.statisticsBlocking(until: deadline)
        }
    }

    private func statisticsBlocking(until deadline: Deadline) throws(ForkServerError) -> Statistics? {
        guard var server = state.withLock({ $0.running }) else { return nil }
        let pair: SocketPair
        do throws(Errno) { pair = try SocketPair() } catch { throw .system(error) }
        let theirs = pair.second
        let reply = Connection(pair.first)
        while try !server.send(.statistics, passing: [theirs.descriptor], until: deadline) {
            // Another has taken over meanwhile.
            guard let successor = state.withLock({ $0.running }) else { return nil }
            server = successor
        }
        theirs.discard()
        let bytes: [UInt8]
        do throws(FramingError) {
            bytes = try reply.receive(limit: 65_536, until: deadline)
        } catch {
            throw error.isDisconnection ? .serverDied : error == .timedOut ? .timedOut : .connection(error)
        }
        return try? BinaryDecoder().decode(Statistics.self, from: bytes)
    }
}
