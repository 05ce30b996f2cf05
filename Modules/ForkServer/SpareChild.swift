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
            let start = StartReport(try BinaryEncoder().encode(ChildStatus.started(.current)), try Self.ownProcess())
            try serve(start, watch)
        } catch {
            // The server has gone, or has spares enough.
            exitImmediately(0)
        }
    }

    /// What tells its client of its start.
    private struct StartReport {
        let message: [UInt8]
        let process: FileDescriptor?

        init(_ message: [UInt8], _ process: FileDescriptor?) {
            self.message = message
            self.process = process
        }
    }

    /// Its own process descriptor, where there are such; open for good.
    private static func ownProcess() throws(Errno) -> FileDescriptor? {
        #if os(Linux)
            let process = try ProcessDescriptor(of: .current)
            return FileDescriptor(rawValue: try process.descriptor.duplicate().take())
        #else
            return nil
        #endif
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
        // From here on the request is this child's, and whatever happens to it is the client's to know.
        guard claim.take() else { exitImmediately(0) }
        // By itself: the client need not wait for the server to have seen that.
        let client = Connection(socket: status, readable: false)
        try? client.send(start.message, passing: [start.process].compactMap { $0 }, until: .now)
        client.close()
        claim.noteTold()
        if let process = start.process { closeDescriptors(from: process.rawValue, through: process.rawValue) }
        child.becomeOrdinary()
        let sentinelNumber = FileDescriptor(rawValue: sentinel.take())
        if order.isPrepared {
            closeDescriptors(from: sentinelNumber.rawValue, through: sentinelNumber.rawValue)
        } else {
            if let watch { closeDescriptors(from: watch.rawValue, through: watch.rawValue) }
            if order.isDetached {
                closeDescriptors(from: sentinelNumber.rawValue, through: sentinelNumber.rawValue)
            } else {
                try child.watch(sentinelNumber)
            }
        }
        activation.close()
        child.start(
            type,
            in: ChildContext(
                clientProcess: order.client,
                connection: Connection(socket: channel, descriptorLimit: ChildContext.descriptorLimit)))
    }

    private func rehearse() throws {
        try Rehearsal.perform()
        for (name, type) in types where types[name] != nil { type.prepareDecoding() }
        let order = Activation(typeName: "", client: .current, isDetached: false, isPrepared: false)
        _ = try BinaryDecoder().decode(Activation.self, from: try BinaryEncoder().encode(order))
    }
}
