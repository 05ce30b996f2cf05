import BinaryCoding
import FDPassing
import Framing
import Syscalls

/// The first message on a child's channel, from its client: what to run, and how. Descriptors travel beside it.
///
///     descriptors: UInt32 (native)   setup length: UInt32   setup, if any   program
enum ChildRequest {
    fileprivate static let headerSize = 8

    /// Encodes a request.
    ///
    /// - Parameters:
    ///   - setup: `nil` when the child is as the server hands it on.
    ///   - outgoing: Gets its descriptors, and keeps them open until it is sent.
    static func encode(
        _ program: some ChildProgram, _ setup: ChildSetup?, outgoing: OutgoingDescriptors
    ) throws(ForkServerError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: headerSize)
        let programStart: Int
        do {
            let encoder = BinaryEncoder()
            programStart = try outgoing.whileEncoding {
                if let setup { try encoder.encode(setup, appendingTo: &bytes) }
                let programStart = bytes.count
                try encoder.encode(program, appendingTo: &bytes)
                return programStart
            }
        } catch {
            throw .notEncodable("\(error)")
        }
        let count = outgoing.descriptors.count
        guard count <= ChildContext.descriptorLimit else {
            throw .notEncodable("it has \(count) descriptors; \(ChildContext.descriptorLimit) can be passed")
        }
        bytes.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(count), as: UInt32.self)
            $0.storeBytes(of: UInt32(programStart - headerSize), toByteOffset: 4, as: UInt32.self)
        }
        return bytes
    }
}

/// Decodes the request of a child, and runs what it asks for.
struct ChildRequestDecoder {
    /// As much as the runtime takes from the stack.
    private static let smallSize = 1024

    private let incoming = IncomingDescriptors()
    private let decoder = BinaryDecoder()
    /// This process when it was made, which is before the fork.
    private let server = ProcessID.current

    /// Receives a request over the child's channel, sets this process up as it says, and runs the program.
    ///
    /// - Returns: Whether there was one: a client that has gone meanwhile wants nothing any more.
    func run(_ type: any ChildProgram.Type, in context: ChildContext) throws -> Bool {
        let program: any ChildProgram
        do {
            program = try receive(type, over: context.connection)
        } catch let error as FramingError where error.isDisconnection {
            return false
        }
        try program.run(in: context)
        return true
    }

    private func receive(_ type: any ChildProgram.Type, over channel: Connection) throws -> any ChildProgram {
        // Without an array, whose making takes more of Swift's library, as long as it is a small one.
        try withUnsafeTemporaryAllocation(byteCount: Self.smallSize, alignment: 16) { room in
            var span = room.mutableBytes
            let count: Int
            do throws(FramingError) {
                count = try channel.receive(into: &span)
            } catch {
                guard case .bufferTooShort(let message) = error else { throw error }
                return try message.withUnsafeBytes { try decode(type, from: $0, over: channel) }
            }
            return try decode(type, from: UnsafeRawBufferPointer(rebasing: room[..<count]), over: channel)
        }
    }

    private func decode(
        _ type: any ChildProgram.Type, from message: UnsafeRawBufferPointer, over channel: Connection
    ) throws -> any ChildProgram {
        guard message.count >= ChildRequest.headerSize else {
            throw FramingError.malformedHeader(length: message.count)
        }
        let setupLength = Int(message.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let programStart = ChildRequest.headerSize + setupLength
        guard programStart <= message.count else { throw FramingError.malformedHeader(length: message.count) }
        incoming.replace(with: try channel.receiveDescriptors(Int(message.loadUnaligned(as: UInt32.self))))
        // What the program did not want is closed.
        defer { incoming.replace(with: DescriptorBatch()) }
        return try incoming.whileDecoding {
            if setupLength > 0 {
                let setup = UnsafeRawBufferPointer(rebasing: message[ChildRequest.headerSize..<programStart])
                try decoder.decode(ChildSetup.self, from: setup).apply(in: server)
            }
            let program = UnsafeRawBufferPointer(rebasing: message[programStart...])
            return try type.decode(from: program, with: decoder)
        }
    }
}

extension ChildProgram {
    fileprivate static func decode(from bytes: UnsafeRawBufferPointer, with decoder: BinaryDecoder) throws -> Self {
        try decoder.decode(Self.self, from: bytes)
    }

    /// See `BinaryDecoder.prepare`.
    static func prepareDecoding() { BinaryDecoder.prepare(Self.self) }
}
