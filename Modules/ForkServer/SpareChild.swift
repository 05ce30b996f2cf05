import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Syscalls

/// A parked child, from the fork on: waits to be told what to run, and becomes an ordinary child then.
struct SpareChild {
    private let child: ForkedChild
    private let activation: Connection
    private let claim: Claim
    private let likelySentinel: FileDescriptor?
    private let types: [String: any ChildProgram.Type]

    /// Makes one ready, in the server.
    ///
    /// - Parameters:
    ///   - activation: Where it is told.
    ///   - claim: Where it says that it takes what it is told.
    ///   - likelyClient: Whose child it may become: it prepares for that one.
    ///   - types: Those that the server knows by name.
    init(
        _ inheritance: ForkedChild.Inheritance, activation: Connection, _ descriptor: FileDescriptor, claim: Claim,
        likelyClient: ServerClient?, types: [String: any ChildProgram.Type]
    ) {
        likelySentinel = likelyClient?.sentinel.readEnd.descriptor
        child = ForkedChild(inheritance, keeping: [descriptor, likelySentinel].compactMap { $0 })
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
            let watch = try likelySentinel.flatMap { sentinel throws(Errno) in try child.watch(sentinel) }
            try serve(try StartReport(), watch)
        } catch {
            // The server has gone, or has spares enough.
            exitImmediately(0)
        }
    }

    /// - Parameter watch: What has it go with the likely client.
    private func serve(_ start: StartReport, _ watch: FileDescriptor?) throws -> Never {
        let message = try activation.receive()
        var descriptors = try activation.receiveDescriptors(Activation.descriptorCount)
        let order = try BinaryDecoder().decode(Activation.self, from: message)
        guard let type = types[order.typeName] ?? TypeName.type(named: order.typeName) as? any ChildProgram.Type,
            let channel = descriptors.take(at: 0), let status = descriptors.take(at: 1),
            let sentinel = descriptors.take(at: 2)
        else { exitImmediately(1) }
        // All that can fail comes before the request is taken: then it is sent again.
        let sentinelNumber = FileDescriptor(rawValue: sentinel.take())
        if !order.isPrepared, !order.isDetached {
            try child.watch(sentinelNumber)
        } else {
            closeDescriptors(from: sentinelNumber.rawValue, through: sentinelNumber.rawValue)
        }
        if !order.isPrepared, let watch { closeDescriptors(from: watch.rawValue, through: watch.rawValue) }
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
        let order = Activation(typeName: "", client: .current, isDetached: false, isPrepared: false)
        _ = try BinaryDecoder().decode(Activation.self, from: try BinaryEncoder().encode(order))
    }
}
