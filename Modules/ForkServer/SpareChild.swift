import FDPassing
import Framing
import ProcessRoles
import Syscalls

/// A parked child, from the fork on: waits to be told what to run, and becomes an ordinary child then.
final class SpareChild {
    private let child: ForkedChild
    private let activation: FileDescriptor
    private let channel: Connection
    private let claim: Claim
    /// The server's, which has no use for it after the fork.
    private let ownWatch: DescriptorBatch
    private let likelyWatch: FileDescriptor?
    private let types: [any ChildProgram.Type]

    /// Makes one ready, in the server.
    ///
    /// - Parameters:
    ///   - activation: Where it is told.
    ///   - channel: A connection of that number, which will stand for the child's channel.
    ///   - claim: Where it says that it takes what it is told.
    ///   - likelyWatch: Of whose child it may become, if of anybody's: it prepares for that one.
    ///   - types: What it may be told to run.
    init(
        _ inheritance: ForkedChild.Inheritance, activation: FileDescriptor, channel: Connection, claim: Claim,
        likelyWatch: consuming DescriptorBatch, types: [any ChildProgram.Type]
    ) {
        let watches = likelyWatch.remaining
        child = ForkedChild(inheritance, keeping: [activation] + watches)
        ownWatch = likelyWatch
        self.likelyWatch = watches.first
        self.activation = activation
        self.channel = channel
        self.claim = claim
        self.types = types
    }

    /// Ends when the server does, or does not want it any more.
    func park() -> Never {
        child.leaveServer()
        setThreadName(literal: "spare child")
        do {
            if let likelyWatch { try child.watch(likelyWatch) }
            let start = try StartReport()
            // What is used for the first time is paid for now, and not when somebody waits for it.
            if try activation.wait(for: .readable, until: .after(Spares.idleTime)).isEmpty { try rehearse() }
            var descriptors = DescriptorBatch()
            let order = Activation.receive(from: activation, &descriptors)
            if let order { try serve(order, descriptors, start) }
        } catch {
            // It could not become what it should: its order goes to another.
        }
        // Or the server has gone, or has spares enough.
        exitImmediately(0)
    }

    private func serve(
        _ order: Activation, _ descriptors: consuming DescriptorBatch, _ start: StartReport
    ) throws -> Never {
        // All that can fail comes before the request is taken: then it is sent again.
        guard let theirChannel = descriptors.take(at: 0), let status = descriptors.take(at: 1) else {
            exitImmediately(0)
        }
        if let watch = descriptors.take(at: 2) { try child.watch(FileDescriptor(rawValue: watch.take())) }
        if order.bond != .prepared, let likelyWatch {
            closeDescriptors(from: likelyWatch.rawValue, through: likelyWatch.rawValue)
        }
        try theirChannel.descriptor.duplicateClosingOnExec(onto: activation)
        theirChannel.discard()
        guard claim.take() else { exitImmediately(0) }
        // From here on the request is this child's, and whatever happens to it is the client's to know.
        start.send(over: FileDescriptor(rawValue: status.take()))
        child.becomeOrdinary()
        child.start(types[Int(order.type)], in: ChildContext(clientProcess: order.client, connection: channel))
    }

    private func rehearse() throws {
        try Rehearsal.perform()
        for type in types { type.prepareDecoding() }
    }
}
