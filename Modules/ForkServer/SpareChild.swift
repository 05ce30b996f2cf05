import FDPassing
import Framing
import ProcessRoles
import Syscalls

/// A parked child, from the fork on: waits to be told what to run, and becomes an ordinary child then.
struct SpareChild {
    private let child: ForkedChild
    private let activation: Connection
    private let claim: Claim
    private let likelyWatch: FileDescriptor?
    private let types: [String: any ChildProgram.Type]

    /// Makes one ready, in the server.
    ///
    /// - Parameters:
    ///   - activation: Where it is told.
    ///   - claim: Where it says that it takes what it is told.
    ///   - likelyWatch: Of whose child it may become: it prepares for that one.
    ///   - types: Those that the server knows by name.
    init(
        _ inheritance: ForkedChild.Inheritance, activation: Connection, _ descriptor: FileDescriptor, claim: Claim,
        likelyWatch: FileDescriptor?, types: [String: any ChildProgram.Type]
    ) {
        child = ForkedChild(inheritance, keeping: [descriptor, likelyWatch].compactMap { $0 })
        self.likelyWatch = likelyWatch
        self.activation = activation
        self.claim = claim
        self.types = types
    }

    /// Ends when the server does, or does not want it any more.
    func park() -> Never {
        child.leaveServer()
        setThreadName(literal: "spare child")
        do {
            // What is used for the first time is paid for now, and not when somebody waits for it.
            try rehearse()
            if let likelyWatch { try child.watch(likelyWatch) }
            try serve(try StartReport())
        } catch {
            // The server has gone, or has spares enough.
            exitImmediately(0)
        }
    }

    private func serve(_ start: StartReport) throws -> Never {
        guard let order = Activation(try activation.receive()) else { exitImmediately(1) }
        var descriptors = try activation.receiveDescriptors(order.descriptorCount)
        guard let type = types[order.typeName] ?? TypeName.type(named: order.typeName) as? any ChildProgram.Type,
            let channel = descriptors.take(at: 0), let status = descriptors.take(at: 1)
        else { exitImmediately(1) }
        // All that can fail comes before the request is taken: then it is sent again.
        if let watch = descriptors.take(at: 2) { try child.watch(FileDescriptor(rawValue: watch.take())) }
        if order.bond != .prepared, let likelyWatch {
            closeDescriptors(from: likelyWatch.rawValue, through: likelyWatch.rawValue)
        }
        guard claim.take() else { exitImmediately(0) }
        // From here on the request is this child's, and whatever happens to it is the client's to know.
        start.send(over: Connection(socket: status, readable: false))
        activation.close()
        child.becomeOrdinary()
        child.start(
            type,
            in: ChildContext(
                clientProcess: order.client,
                connection: Connection(socket: channel, descriptorLimit: ChildContext.descriptorLimit)))
    }

    private func rehearse() throws {
        try Rehearsal.perform()
        for name in types.keys { types[name]?.prepareDecoding() }
    }
}
