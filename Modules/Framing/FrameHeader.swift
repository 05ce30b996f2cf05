/// The header before each message, as CPython's `multiprocessing.connection` writes it.
///
/// The length as a signed 32-bit number in network order; or, beyond 0x7fffffff, -1 and the length as an unsigned 64-bit
/// number in network order.
public struct FrameHeader: Hashable, Sendable {
    /// Bytes of the message.
    public let length: Int
    /// Bytes of the header itself: 4 or 12.
    public let byteCount: Int

    public init(length: Int) {
        precondition(length >= 0, "a message cannot have \(length) bytes")
        self.init(length: length, byteCount: length > Int(Int32.max) ? 12 : 4)
    }

    private init(length: Int, byteCount: Int) {
        self.length = length
        self.byteCount = byteCount
    }

    /// The header's bytes in the order of a memory of 12, of which the first `byteCount` count.
    package var bytes: InlineArray<12, UInt8> {
        var bytes = InlineArray<12, UInt8>(repeating: 0xff)
        let isLong = byteCount == 12
        let (first, count) = isLong ? (4, 8) : (0, 4)
        for index in 0..<count {
            bytes[first + index] = UInt8(truncatingIfNeeded: length >> ((count - 1 - index) * 8))
        }
        return bytes
    }

    /// Reads a header from the start of some bytes.
    ///
    /// - Returns: `nil` when there are too few.
    /// - Throws: `FramingError.malformedHeader` for a negative length, or one that no memory could hold.
    package static func decode(_ bytes: UnsafeRawBufferPointer) throws(FramingError) -> FrameHeader? {
        guard bytes.count >= 4 else { return nil }
        let short = Int32(bigEndian: bytes.loadUnaligned(as: Int32.self))
        if short >= 0 { return FrameHeader(length: Int(short)) }
        guard short == -1 else { throw .malformedHeader(length: Int(short)) }
        guard bytes.count >= 12 else { return nil }
        let long = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
        // Header and message together are counted in an Int.
        guard let length = Int(exactly: long), length <= Int.max - 12 else {
            throw .malformedHeader(length: Int(truncatingIfNeeded: long))
        }
        // A peer may use the long form for a short message too.
        return FrameHeader(length: length, byteCount: 12)
    }
}
