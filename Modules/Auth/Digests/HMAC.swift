/// A message authentication code made with a hash function (RFC 2104).
///
/// Like a hash function it takes its message in pieces, and a copy goes its own way: for many messages under one key,
/// make one and copy it. To check a code, compute it and compare with ``constantTimeEqual(_:_:)``: the time that `==`
/// takes tells an attacker how far they got.
public struct HMAC<Hash: HashFunction>: Sendable {
    /// The size of the code in bytes.
    public static var byteCount: Int { Hash.byteCount }

    private var inner = Hash()
    private var outer = Hash()

    /// Begins a message.
    ///
    /// - Parameter key: The secret, of any length; one longer than a block of the hash function is replaced by its
    ///   digest. The copies made of it here are overwritten. What remains of the key is the state of the hash function.
    public init(key: [UInt8]) {
        var block = [UInt8](repeating: 0, count: Hash.blockByteCount)
        if key.count > block.count {
            var digest = Hash.hash(key)
            Self.mix(digest, into: &block)
            wipe(&digest)
        } else {
            Self.mix(key, into: &block)
        }
        // Changed in place from one padded key to the other, so that there is one block to overwrite.
        let (innerPad, outerPad) = (0x36 as UInt8, 0x5c as UInt8)
        Self.mix(innerPad, into: &block)
        inner.update(block)
        Self.mix(innerPad ^ outerPad, into: &block)
        outer.update(block)
        wipe(&block)
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: RawSpan) {
        inner.update(bytes)
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: [UInt8]) {
        inner.update(bytes)
    }

    /// Ends the message and returns its code, ``byteCount`` bytes.
    public consuming func finalize() -> [UInt8] {
        outer.update(inner.finalize())
        return outer.finalize()
    }

    /// Returns the code of a whole message.
    public static func authenticationCode(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = Self(key: key)
        code.update(message)
        return code.finalize()
    }

    private static func mix(_ bytes: [UInt8], into block: inout [UInt8]) {
        for index in bytes.indices {
            block[index] ^= bytes[index]
        }
    }

    private static func mix(_ pad: UInt8, into block: inout [UInt8]) {
        for index in block.indices {
            block[index] ^= pad
        }
    }
}
