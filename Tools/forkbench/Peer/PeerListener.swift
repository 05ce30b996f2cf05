import Auth
import Framing
import Syscalls

/// A listener that serves each client on a thread of its own, so that none has to wait for another.
struct PeerListener {
    private let mode: PeerMode
    private let listener: Listener
    /// Performs the handshakes with all who have connected at the same time; `nil` where there is no key.
    private let authenticating: AuthenticatingListener?

    init(_ options: PeerOptions) throws(FramingError) {
        mode = options.mode
        let listener = try Listener(at: options.address)
        self.listener = listener
        authenticating = options.authentication.map { authentication in
            AuthenticatingListener(
                listener, key: authentication.key, policy: authentication.policy, digest: authentication.digest,
                descriptorLimit: options.mode.descriptorLimit, handshakeLimit: 1024)
        }
    }

    /// Serves clients until standard input ends.
    func run() throws(Errno) {
        let listener = listener
        try whenStandardInputEnds { listener.close() }
        try FileDescriptor.standardOutput.writeAll("listening at \(listener.address)\n")
        var count = 0
        while true {
            do throws(AuthenticationError) {
                let connection = try accept()
                count += 1
                serve(connection, number: count)
            } catch {
                if error == .framing(.closed) { return }
                standardErrorLine("forkbench: peer: a client was not accepted: \(error)")
                // Until a client leaves it would fail again at once.
                if error == .framing(.system(.tooManyOpenFiles)) { Deadline.after(.milliseconds(100)).sleep() }
            }
        }
    }

    private func accept() throws(AuthenticationError) -> Connection {
        if let authenticating { return try authenticating.accept() }
        do throws(FramingError) {
            return try listener.accept(descriptorLimit: mode.descriptorLimit)
        } catch {
            throw .framing(error)
        }
    }

    private func serve(_ connection: Connection, number: Int) {
        let mode = mode
        do throws(Errno) {
            try Thread(name: "client \(number)") {
                do throws(FramingError) {
                    try mode.serve(connection)
                } catch {
                    standardErrorLine("forkbench: peer: client \(number): \(error)")
                }
                connection.close()
            }.detach()
        } catch {
            standardErrorLine("forkbench: peer: client \(number): there is no thread for it: \(error)")
        }
    }
}
