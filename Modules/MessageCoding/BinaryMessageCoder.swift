import BinaryCoding
import FDPassing

/// Messages in this package's compact binary form, with whatever descriptors the values hold.
///
/// A message is the number of descriptors, 4 bytes in network order, and what `BinaryEncoder` makes of the value. A
/// `PassedDescriptor` or a `Connection` in the value travels beside it, on a Unix socket whose receiver allows so many
/// (`Connection.descriptorLimit`).
public struct BinaryMessageCoder: MessageCoder {
    /// It has no options.
    public init() {}

    public func encode(_ value: some Encodable) throws -> CodedMessage {
        let outgoing = OutgoingDescriptors()
        var bytes = [UInt8](repeating: 0, count: Self.headerSize)
        try outgoing.whileEncoding { try BinaryEncoder().encode(value, appendingTo: &bytes) }
        let count = UInt32(outgoing.descriptors.count)
        for index in 0..<Self.headerSize { bytes[index] = UInt8(truncatingIfNeeded: count >> (24 - 8 * index)) }
        return CodedMessage(bytes: bytes, outgoing: outgoing)
    }

    /// - Throws: `DecodingError.dataCorrupted` for a message that is none of these.
    public func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], takingDescriptors descriptors: (Int) throws -> DescriptorBatch
    ) throws -> Value {
        guard bytes.count >= Self.headerSize else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "a message of \(bytes.count) bytes has no room for its header"))
        }
        let count = bytes[..<Self.headerSize].reduce(0) { $0 << 8 | Int($1) }
        let incoming = IncomingDescriptors(count == 0 ? DescriptorBatch() : try descriptors(count))
        return try incoming.whileDecoding { try BinaryDecoder().decode(type, from: bytes[Self.headerSize...]) }
    }

    private static let headerSize = 4
}
