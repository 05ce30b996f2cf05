import Framing
import Syscalls

/// A listener that goes on accepting others while a peer dawdles: it performs the handshakes with all who have connected
/// at the same time, on the thread that accepts.
///
/// Safe to use from any thread; several that accept wait for each other, up to their deadlines.
public final class AuthenticatingListener: Sendable {
    /// The listener below, which nobody else may accept from. Closing it ends `accept`.
    public let listener: Listener
    /// How many handshakes may be under way. Who comes beyond that waits in the listener's backlog.
    public let handshakeLimit: Int

    private let key: AuthenticationKey
    private let policy: AuthenticationPolicy
    private let digest: DigestAlgorithm
    private let descriptorLimit: Int
    private let handshakeTimeout: Duration
    /// Whose turn it is to accept.
    private let accepting = DeadlineLock()
    private let reception = Lock(Reception())

    private struct Reception: Sendable {
        /// In the order in which they came, which is that of their deadlines.
        var arrivals: [Arrival] = []
        /// Until when nobody is admitted, since there were no descriptors or no memory for him.
        var closedUntil: Deadline = .now
    }

    /// A peer that has not shown yet that it knows the key.
    private struct Arrival: Sendable {
        let connection: Connection
        var handshake: Handshake
        let deadline: Deadline
    }

    /// Parameters that are not described are those of `Listener.accept(key:)`.
    ///
    /// - Parameter handshakeLimit: How many handshakes may be under way.
    public init(
        _ listener: Listener, key: AuthenticationKey, policy: AuthenticationPolicy = .modern,
        digest: DigestAlgorithm = .sha256, descriptorLimit: Int = 0,
        handshakeTimeout: Duration = defaultHandshakeTimeout, handshakeLimit: Int = 64
    ) {
        precondition(handshakeLimit > 0, "a listener without handshakes accepts nobody")
        self.listener = listener
        self.key = key
        self.policy = policy
        self.digest = digest
        self.descriptorLimit = descriptorLimit
        self.handshakeTimeout = handshakeTimeout
        self.handshakeLimit = handshakeLimit
    }

    /// Waits for the next client that knows the key.
    ///
    /// While this process is at its limit of open files, or short of memory, new clients wait in the listener's backlog.
    ///
    /// - Throws: What is wrong with one client, whose connection is closed: call again to go on with the others.
    ///   `.framing(.timedOut)` when none has come by the deadline; `.framing(.closed)`.
    public func accept(until deadline: Deadline = .never) throws(AuthenticationError) -> Connection {
        guard accepting.lock(until: deadline) else {
            // Also `.closed`, when it is.
            try authentication { () throws(FramingError) in try listener.withDescriptor { _ in } }
            throw .framing(.timedOut)
        }
        defer { accepting.unlock() }
        return try reception.withLock { reception throws(AuthenticationError) in
            while true {
                let ready = try waitForEvent(reception, until: deadline)
                for index in ready.arrivals {
                    if let connection = try resume(&reception.arrivals, at: index) { return connection }
                }
                if ready.listener { try admit(to: &reception) }
                if let first = reception.arrivals.first, first.deadline.hasPassed,
                    case .awaiting(let awaited) = first.handshake.state
                {
                    reception.arrivals.removeFirst().connection.close()
                    throw .timedOut(awaiting: awaited)
                }
                if deadline.hasPassed { throw .framing(.timedOut) }
            }
        }
    }

    /// Which arrivals can be read, and whether there is a new one.
    private func waitForEvent(
        _ reception: Reception, until deadline: Deadline
    ) throws(AuthenticationError) -> (arrivals: [Int], listener: Bool) {
        try authentication { () throws(FramingError) in
            // Inside, so that closing the listener ends the wait.
            try listener.withDescriptor { descriptor throws(FramingError) in
                let arrivals = reception.arrivals
                var entries: [PollEntry] = []
                for arrival in arrivals {
                    entries.append(try arrival.connection.withDescriptor { PollEntry($0, .readable) })
                }
                var deadline = min(deadline, arrivals.first?.deadline ?? .never)
                let isOpen = reception.closedUntil.hasPassed
                if !isOpen { deadline = min(deadline, reception.closedUntil) }
                // In any case, so that its being closed is seen.
                let admits = isOpen && arrivals.count < handshakeLimit
                entries.append(PollEntry(descriptor, admits ? .readable : []))
                _ = try framing { () throws(Errno) in try poll(&entries, until: deadline) }
                let ready = entries.indices.filter { !entries[$0].readiness.isEmpty }
                return (ready.filter { $0 < arrivals.count }, ready.last == arrivals.count)
            }
        }
    }

    private func admit(to reception: inout Reception) throws(AuthenticationError) {
        let connection: Connection
        do throws(FramingError) {
            connection = try listener.accept(descriptorLimit: descriptorLimit, until: .now)
        } catch {
            switch error {
            // The client has gone again.
            case .timedOut: return
            case .system(let number) where number.isShortage:
                reception.closedUntil = .after(.milliseconds(50))
                return
            default: throw .framing(error)
            }
        }
        var handshake = Handshake(.deliver, .answer, key: key, policy: policy, digest: digest)
        try connection.begin(&handshake, until: .now)
        reception.arrivals.append(
            Arrival(connection: connection, handshake: handshake, deadline: .after(handshakeTimeout)))
    }

    /// Takes in what one peer has sent. Returns its connection when the handshake is done.
    private func resume(_ arrivals: inout [Arrival], at index: Int) throws(AuthenticationError) -> Connection? {
        do throws(AuthenticationError) {
            try arrivals[index].connection.resume(&arrivals[index].handshake, until: .now)
            return arrivals.remove(at: index).connection
        } catch .timedOut {
            return nil
        } catch {
            arrivals.remove(at: index).connection.close()
            throw error
        }
    }
}
