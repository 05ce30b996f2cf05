import Framing
import Reactor
import Syscalls

extension AsyncConnection {
    /// Connects to a listener without blocking; see `Connection.connect`.
    ///
    /// - Parameters:
    ///   - address: Of a host with several addresses each is tried in turn. Its name is looked up on a thread of its own.
    ///   - descriptorLimit: See `Connection`.
    ///   - reactor: The thread that waits for it.
    ///   - deadline: When to give up. Looking up a host's name may take longer.
    /// - Throws: `FramingError`, among them `.timedOut`; or `CancellationError`.
    public static func connect(
        to address: Address, descriptorLimit: Int = 0, reactor: ReactorThread = .shared,
        until deadline: Deadline = .never
    ) async throws -> AsyncConnection {
        var failure: any Error = FramingError.system(.addressNotAvailable)
        for candidate in try await resolve(address) {
            do {
                let socket = try await connectedSocket(to: candidate, reactor: reactor, until: deadline)
                let connection = Connection(stream: socket, to: address, descriptorLimit: descriptorLimit)
                return AsyncConnection(connection, reactor: reactor)
            } catch let error as Errno {
                failure = error == .timedOut ? FramingError.timedOut : FramingError.system(error)
            }
        }
        throw failure
    }

    private static func resolve(_ address: Address) async throws(FramingError) -> [SocketAddress] {
        guard case .tcp = address else { return try address.resolve() }
        return try await onThreadOfItsOwn(failing: FramingError.system) { () throws(FramingError) in
            try address.resolve()
        }
    }

    private static func connectedSocket(
        to address: SocketAddress, reactor: ReactorThread, until deadline: Deadline
    ) async throws -> OwnedFileDescriptor {
        let socket = try OwnedFileDescriptor.socket(family: address.family)
        let descriptor = socket.descriptor
        try descriptor.setBlocking(false)
        while true {
            do {
                if try !descriptor.beginConnecting(to: address) {
                    try await reactor.waitUntilWritable(descriptor, until: deadline)
                }
                try descriptor.endConnecting()
                return socket
            } catch let error as Errno where error == .resourceTemporarilyUnavailable {
                // A Unix listener whose backlog is full: there is nothing to wait for.
                if deadline.hasPassed { throw Errno.timedOut }
                try await pause(for: .milliseconds(1))
            }
        }
    }
}
