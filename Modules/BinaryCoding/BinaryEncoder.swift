/// Encodes values as compact bytes that ``BinaryDecoder`` reads.
///
/// Made for messages between processes of one program: fast, small for small values, and arrays of numbers are copied whole. The
/// bytes are no format for files. They say of each value what it is, and structs and enums are told apart by the names of their fields
/// and cases, so that fields may be added, left out and reordered.
///
/// As with every `Codable` coder, `nil` inside an optional of an optional comes back as the outer `nil`.
public struct BinaryEncoder: Sendable {
    /// What values see as `encoder.userInfo` while they are encoded.
    public var userInfo: [CodingUserInfoKey: any Sendable]

    /// The limits of the decoder that is to read the message. What exceeds them is an error here already.
    public var limits: BinaryDecoder.Limits

    /// Creates an encoder.
    ///
    /// - Parameters:
    ///   - userInfo: What values see as `encoder.userInfo` while they are encoded.
    ///   - limits: The limits of the decoder that is to read the message.
    public init(
        userInfo: [CodingUserInfoKey: any Sendable] = [:], limits: BinaryDecoder.Limits = BinaryDecoder.Limits()
    ) {
        self.userInfo = userInfo
        self.limits = limits
    }

    /// Whether values of the type are encoded without asking them to do it: strings, arrays of numbers and the commonest numbers.
    package static func encodesDirectly<T>(_ type: T.Type) -> Bool {
        type == Int.self || type == String.self || type == Double.self || type == [UInt8].self || type == [Int].self
            || type == [Double].self
    }

    /// The message that `value` is.
    ///
    /// - Throws: `EncodingError.invalidValue` if values are nested deeper than the limit or a key is used twice in a container, and
    ///   what the value's own `encode(to:)` throws.
    public func encode<T: Encodable>(_ value: T) throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(96)
        try encode(value, appendingTo: &bytes)
        return bytes
    }

    /// Appends the message that `value` is to bytes that are there already, such as a header.
    ///
    /// - Parameters:
    ///   - value: What to encode.
    ///   - bytes: Where to append. After an error it is what it was before.
    /// - Throws: What ``encode(_:)`` throws.
    public func encode<T: Encodable>(_ value: T, appendingTo bytes: inout [UInt8]) throws {
        // Commonest of all is one number, which needs no writer.
        if T.self == Int.self {
            bytes.appendInteger(unsafeBitCast(value, to: Int.self))
            bytes.appendVarint(0)
            return
        }
        let count = bytes.count
        let writer = MessageWriter(limits: limits, userInfo: userInfo)
        swap(&bytes, &writer.bytes)
        defer { swap(&bytes, &writer.bytes) }
        do {
            try writer.writeMessage(value)
        } catch {
            writer.bytes.removeLast(writer.bytes.count - count)
            throw error
        }
    }
}
