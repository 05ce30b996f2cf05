import FDPassing
import Framing

/// Turns values into messages and back: a pickle or JSON library, or this package's own ``BinaryMessageCoder``.
public protocol MessageCoder: Sendable {
    /// Encodes one value as one message.
    func encode(_ value: some Encodable) throws -> CodedMessage

    /// Decodes the value of one message.
    ///
    /// - Parameters:
    ///   - bytes: The message. It comes from a peer, and may be anything.
    ///   - descriptors: Takes so many of the descriptors that came with the message. A coder that passes none leaves it.
    ///     Nobody else receives from the connection meanwhile, neither may the coder.
    func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], takingDescriptors descriptors: (Int) throws -> DescriptorBatch
    ) throws -> Value
}

/// A value as a message.
public struct CodedMessage: Sendable {
    /// What the coder made of the value.
    public let bytes: [UInt8]
    /// What travels beside the bytes, kept open by this value.
    let outgoing: OutgoingDescriptors?

    /// A message without descriptors.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
        outgoing = nil
    }

    init(bytes: [UInt8], outgoing: OutgoingDescriptors) {
        self.bytes = bytes
        self.outgoing = outgoing
    }
}
