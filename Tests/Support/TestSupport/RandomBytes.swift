/// A generator with a seed, so that a failure can be had again.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Bytes that look random and are the same each time: a shifted, cut or repeated part shows.
public func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    // The thread sanitizer reports the write of a count into the storage that all empty arrays share.
    if count == 0 { return [] }
    var generator = SeededGenerator(seed: UInt64(seed))
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        for offset in stride(from: 0, to: count - 7, by: 8) {
            bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
        }
        for offset in count & ~7..<count { bytes[offset] = UInt8(truncatingIfNeeded: generator.next()) }
        initialized = count
    }
}
