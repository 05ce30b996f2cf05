import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Syscalls

/// A parked child, from the fork on: waits to be told what to run, and becomes an ordinary child then.
struct SpareChild {
    private let child: ForkedChild
    private let activation: Connection
    private let types: [String: any ChildProgram.Type]

    /// Makes one ready, in the server.
    ///
    /// - Parameters:
    ///   - activation: Where it is told.
    ///   - types: Those that the server knows by name.
    init(
        _ inheritance: ForkedChild.Inheritance, activation: Connection, _ descriptor: FileDescriptor,
        types: [String: any ChildProgram.Type]
    ) {
        child = ForkedChild(inheritance, keeping: [descriptor])
        self.activation = activation
        self.types = types
    }

    /// Ends when the server does, or does not want it any more.
    func park() -> Never {
        child.leaveServer()
        setThreadName(literal: "spare child")
        do {
            try rehearse()
            try serve(try Self.ownProcess())
        } catch {
            // The server has gone, or has spares enough.
            exitImmediately(0)
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

    private func serve(_ process: FileDescriptor?) throws -> Never {
        let message = try activation.receive()
        var descriptors = try activation.receiveDescriptors(Activation.descriptorCount)
        let order = try BinaryDecoder().decode(Activation.self, from: message)
        guard let type = types[order.typeName] ?? TypeName.type(named: order.typeName) as? any ChildProgram.Type,
            let channel = descriptors.take(at: 0), let status = descriptors.take(at: 1),
            let sentinel = descriptors.take(at: 2)
        else { exitImmediately(1) }
        // From here on the request is this child's, and whatever happens to it is the client's to know.
        try activation.send([1])
        activation.close()
        // By itself, so that the client need not wait for the server to have read that.
        let client = Connection(socket: status, readable: false)
        client.reportStart(of: .current, process)
        client.close()
        child.becomeOrdinary()
        let context = ChildContext(
            clientProcess: order.client,
            connection: Connection(socket: channel, descriptorLimit: ChildContext.descriptorLimit))
        if let process { closeDescriptors(from: process.rawValue, through: process.rawValue) }
        let sentinelNumber = FileDescriptor(rawValue: sentinel.take())
        if order.isDetached { closeDescriptors(from: sentinelNumber.rawValue, through: sentinelNumber.rawValue) }
        child.start(type, in: context, sentinel: order.isDetached ? nil : sentinelNumber)
    }

    /// Memory that is used for the first time is paid for now, and not when somebody waits for it.
    private func rehearse() throws {
        try Rehearsal.perform()
        for (name, type) in types where types[name] != nil { type.prepareDecoding() }
        let order = Activation(typeName: "", client: .current, isDetached: false)
        _ = try BinaryDecoder().decode(Activation.self, from: try BinaryEncoder().encode(order))
    }
}
