/// Decodes values from the bytes that ``BinaryEncoder`` writes.
///
/// The bytes need not be trusted: whatever they are, decoding either gives a value or throws a `DecodingError`, and takes memory and
/// time in proportion to their number. (What the decoded type makes of its values is its own affair.) An integer is read as any
/// integer type it fits into.
///
/// The decoder that a value's `init(from:)` gets, and its containers, are valid until ``decode(_:from:)`` returns.
public struct BinaryDecoder: Sendable {
    /// What a message may ask for.
    public struct Limits: Sendable {
        /// How deep values may be nested in each other: containers in the bytes, and calls of `init(from:)` or `encode(to:)`. Each
        /// level takes some hundred bytes of stack, and what the types themselves need.
        public var depth: Int

        /// Limits of a decoder.
        ///
        /// - Parameter depth: How deep values may be nested in each other.
        public init(depth: Int = 128) {
            self.depth = depth
        }
    }

    /// What values see as `decoder.userInfo` while they are decoded.
    public var userInfo: [CodingUserInfoKey: any Sendable]

    /// What a message may ask for.
    public var limits: Limits

    /// Creates a decoder.
    ///
    /// - Parameters:
    ///   - userInfo: What values see as `decoder.userInfo` while they are decoded.
    ///   - limits: What a message may ask for.
    public init(userInfo: [CodingUserInfoKey: any Sendable] = [:], limits: Limits = Limits()) {
        self.userInfo = userInfo
        self.limits = limits
    }

    /// The value that `bytes` are the message of.
    ///
    /// - Throws: `DecodingError.dataCorrupted` if the bytes are no message, if others follow it, if a number does not fit into the type
    ///   asked for, and if values are nested deeper than the limit; `typeMismatch`, `valueNotFound` and `keyNotFound` as their
    ///   documentation says; and what the type's own `init(from:)` throws.
    public func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
        try bytes.withUnsafeBytes { try decode(type, from: $0) }
    }

    /// The value that `bytes` are the message of, such as what follows a header. See the overload for `[UInt8]`.
    ///
    /// Offsets in error messages count from the beginning of the slice.
    public func decode<T: Decodable>(_ type: T.Type, from bytes: ArraySlice<UInt8>) throws -> T {
        // Here too: generic closures are slow.
        if T.self == Int.self, let number = bytes.withUnsafeBytes(soleInteger) {
            return unsafeBitCast(number, to: T.self)
        }
        return try bytes.withUnsafeBytes { try decode(type, from: $0) }
    }

    /// The value that `bytes` are the message of. See the overload for `[UInt8]`.
    ///
    /// - Parameters:
    ///   - type: What to decode.
    ///   - bytes: The message. It must not change during the call: a message in memory that another process can write to has to be
    ///     copied first.
    public func decode<T: Decodable>(_ type: T.Type, from bytes: UnsafeRawBufferPointer) throws -> T {
        guard let base = bytes.baseAddress, !bytes.isEmpty else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "The message has no bytes."))
        }
        if T.self == Int.self, let number = soleInteger(bytes) { return unsafeBitCast(number, to: T.self) }
        let wire = Wire(base: base, count: bytes.count)
        return try MessageReader(wire, limits: limits, userInfo: userInfo).readMessage(type)
    }

    private func soleInteger(_ bytes: UnsafeRawBufferPointer) -> Int? {
        bytes.baseAddress.flatMap { Wire(base: $0, count: bytes.count).soleInteger }
    }
}
