import Auth
import FDPassing
import Framing

extension ForkServer {
    /// Where a server can be reached by processes that nobody has given it to, and what it runs for them.
    ///
    /// They speak the protocol of CPython's fork server, so that `multiprocessing.forkserver.connect_to_new_process` can be one
    /// of them (see Docs/WireProtocols.md). Only processes of the server's user are served, and with a key only those that
    /// know it. A client that is slow, silent or hostile costs the others nothing.
    public struct AddressOptions: Sendable {
        /// What every child runs that is asked for there.
        public var program: any ForeignChildProgram
        /// The path of the socket, which only the server's user can connect to. `nil` is a fresh one in a directory of its own,
        /// that only that user can enter; `ForkServer.address` tells it. One that a dead server has left behind is replaced.
        public var path: String?
        /// What clients have to prove to know, and the server proves to them. CPython from 3.14 on asks for it, with a key of 32
        /// bytes; older ones cannot.
        public var key: AuthenticationKey?
        /// Which digests the handshake may use, with a key.
        public var policy: AuthenticationPolicy = .modern
        /// The reading end of a pipe whose writing ends keep the address open, CPython's `alive_r`: it closes when this program
        /// is gone *and* all of them are closed. Without one it closes when this program is gone. The caller's own end can be
        /// closed once the server has started; who starts it again after its death needs it to stay.
        ///
        /// Each child inherits its client's writing end. Nothing is to be written to the pipe.
        public var alive: PassedDescriptor?
        /// How long a client may take for the handshake and its request. Those beyond `waitingClientLimit`, or beyond the limit of
        /// open files, wait in the kernel; so that they do not wait long, a client gets no more than a second meanwhile.
        public var requestTimeout: Duration = .seconds(10)
        /// How many clients may have connected and not sent their request yet.
        public var waitingClientLimit = 256

        /// A fresh address, without a key.
        public init(_ program: any ForeignChildProgram) {
            self.program = program
        }
    }
}

/// What a server is told of its address. With it comes the reading end of the alive pipe, if there is one.
struct AddressSetup: Codable, Sendable {
    var program: PackedValue
    var path: String?
    /// Whether another server of the same client may listen there, which is about to be retired.
    var takesOver: Bool
    var key: [UInt8]?
    var policy: String
    var hasAlivePipe: Bool
    var requestTimeoutMilliseconds: Int
    var waitingClientLimit: Int

    init(_ options: ForkServer.AddressOptions, takesOver: Bool) throws(ForkServerError) {
        precondition(options.waitingClientLimit > 0, "an address where no client may wait serves nobody")
        let outgoing = OutgoingDescriptors()
        program = try PackedValue(options.program, outgoing: outgoing)
        guard outgoing.descriptors.isEmpty else { throw .notEncodable("an address's program cannot carry descriptors") }
        guard options.alive == nil || options.alive?.descriptor != nil else {
            throw .notEncodable("the descriptor of the alive pipe has been taken out already")
        }
        path = options.path
        self.takesOver = takesOver
        key = options.key.map { key in key.withBytes { $0.withUnsafeBytes { Array($0) } } }
        policy = options.policy.rawValue
        hasAlivePipe = options.alive != nil
        requestTimeoutMilliseconds = Int(options.requestTimeout.roundedUpMilliseconds)
        waitingClientLimit = options.waitingClientLimit
    }
}
