import BinaryCoding
import FDPassing
import Framing
import Syscalls

/// The first message on a child's channel, from its client: what to run, and how. Descriptors travel beside it.
///
///     descriptors: UInt32 (native)   setup and program, encoded
struct ChildRequest: Codable, Sendable {
    /// `nil` when the child is as the server hands it on.
    private let setup: ChildSetup?
    private let payload: [UInt8]

    private static let headerSize = 4

    /// Encodes a request.
    ///
    /// - Parameter outgoing: Gets its descriptors, and keeps them open until it is sent.
    static func encode(
        _ program: some ChildProgram, _ setup: ChildSetup?, outgoing: OutgoingDescriptors
    ) throws(ForkServerError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerSize)
        do {
            let encoder = BinaryEncoder(userInfo: [.outgoingDescriptors: outgoing])
            let request = ChildRequest(setup: setup, payload: try encoder.encode(program))
            try encoder.encode(request, appendingTo: &bytes)
        } catch {
            throw .notEncodable("\(error)")
        }
        let count = outgoing.descriptors.count
        guard count <= ChildContext.descriptorLimit else {
            throw .notEncodable("it has \(count) descriptors; \(ChildContext.descriptorLimit) can be passed")
        }
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: UInt32(count), as: UInt32.self) }
        return bytes
    }

    /// Receives a request over the child's channel, sets this process up as it says, and runs the program.
    ///
    /// - Returns: Whether there was one: a client that has gone meanwhile wants nothing any more.
    static func run<Program: ChildProgram>(_ type: Program.Type, in context: ChildContext) throws -> Bool {
        let message: [UInt8]
        do throws(FramingError) {
            message = try context.connection.receive()
        } catch {
            if error.isDisconnection { return false }
            throw error
        }
        guard message.count >= headerSize else { throw FramingError.malformedHeader(length: message.count) }
        let count = message.withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
        let incoming = IncomingDescriptors(try context.connection.receiveDescriptors(count))
        let decoder = BinaryDecoder(userInfo: [.incomingDescriptors: incoming])
        let request = try decoder.decode(ChildRequest.self, from: message[headerSize...])
        try request.setup?.apply()
        try decoder.decode(type, from: request.payload).run(in: context)
        return true
    }
}
