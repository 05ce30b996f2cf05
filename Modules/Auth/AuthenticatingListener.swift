import Framing
import Syscalls

/// A listener that goes on accepting others while a peer dawdles: it performs the handshakes with all who have connected
/// at the same time, on the thread that accepts.
///
/// Safe to use from any thread; several that accept wait for each other.
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
    /// In the order in which they came, which is that of their deadlines.
    private let arrivals = Lock<[Arrival]>([])

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
    /// - Throws: What is wrong with one client, whose connection is closed: call again to go on with the others.
    ///   `.framing(.timedOut)` when none has come by the deadline; `.framing(.closed)`.
    public func accept(until deadline: Deadline = .never) throws(AuthenticationError) -> Connection {
        try arrivals.withLock { arrivals throws(AuthenticationError) in
            while true {
                let ready = try waitForEvent(arrivals, until: deadline)
                for index in ready.arrivals {
                    if let connection = try resume(&arrivals, at: index) { return connection }
                }
                if ready.listener, let arrival = try admit() { arrivals.append(arrival) }
                if let first = arrivals.first, first.deadline.hasPassed,
                    case .awaiting(let awaited) = first.handshake.state
                {
                    arrivals.removeFirst().connection.close()
                    throw .timedOut(awaiting: awaited)
                }
                if deadline.hasPassed { throw .framing(.timedOut) }
            }
        }
    }

    /// Which arrivals can be read, and whether there is a new one.
    private func waitForEvent(
        _ arrivals: [Arrival], until deadline: Deadline
    ) throws(AuthenticationError) -> (arrivals: [Int], listener: Bool) {
        try authentication { () throws(FramingError) in
            // Inside, so that closing the listener ends the wait.
            try listener.withDescriptor { descriptor throws(FramingError) in
                var entries: [PollEntry] = []
                for arrival in arrivals {
                    entries.append(try arrival.connection.withDescriptor { PollEntry($0, .readable) })
                }
                if arrivals.count < handshakeLimit { entries.append(PollEntry(descriptor, .readable)) }
                let firstDeadline = arrivals.first?.deadline ?? .never
                _ = try framing { () throws(Errno) in try poll(&entries, until: min(deadline, firstDeadline)) }
                let ready = entries.indices.filter { !entries[$0].readiness.isEmpty }
                return (ready.filter { $0 < arrivals.count }, ready.last == arrivals.count)
            }
        }
    }

    private func admit() throws(AuthenticationError) -> Arrival? {
        let connection: Connection
        do throws(FramingError) {
            connection = try listener.accept(descriptorLimit: descriptorLimit, until: .now)
        } catch .timedOut {
            // The client has gone again.
            return nil
        } catch {
            throw .framing(error)
        }
        var handshake = Handshake(.deliver, .answer, key: key, policy: policy, digest: digest)
        try connection.begin(&handshake, until: .now)
        return Arrival(connection: connection, handshake: handshake, deadline: .after(handshakeTimeout))
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
