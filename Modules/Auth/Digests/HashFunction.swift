/// A cryptographic hash function that takes its message in pieces.
///
/// Feed it with `update`, in pieces of any size, and end the message with ``finalize()``. It is a value like any other:
/// a copy goes its own way, so that what messages begin with in common need be hashed only once.
public protocol HashFunction: Sendable {
    /// The size of the digest in bytes.
    static var byteCount: Int { get }

    /// The number of bytes that the function takes at a time, which is what HMAC (RFC 2104) pads its key to.
    static var blockByteCount: Int { get }

    /// The state before the first byte of a message.
    init()

    /// Appends bytes to the message.
    mutating func update(_ bytes: RawSpan)

    /// Ends the message and returns its digest, ``byteCount`` bytes.
    consuming func finalize() -> [UInt8]
}

extension HashFunction {
    /// Appends bytes to the message.
    public mutating func update(_ bytes: [UInt8]) {
        update(bytes.span.bytes)
    }

    /// Returns the digest of a whole message.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var function = Self()
        function.update(bytes)
        return function.finalize()
    }
}
