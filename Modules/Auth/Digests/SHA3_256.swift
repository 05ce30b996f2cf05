/// SHA3-256 (FIPS 202, section 6.1).
public struct SHA3_256: HashFunction {
    public static let byteCount = 32
    public static let blockByteCount = KeccakSponge.rate(digestByteCount: byteCount)

    private var sponge = KeccakSponge(digestByteCount: byteCount)

    public init() {}

    public mutating func update(_ bytes: RawSpan) {
        sponge.update(bytes)
    }

    public consuming func finalize() -> [UInt8] {
        sponge.finalize()
    }
}
