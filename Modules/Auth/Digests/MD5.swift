/// MD5 (RFC 1321).
///
/// Broken as a hash function: collisions are made at will. It is here because older peers authenticate with HMAC-MD5,
/// which that does not break.
public struct MD5: HashFunction {
    public static let byteCount = 16
    public static let blockByteCount = MerkleDamgard<MD5Compression>.blockByteCount

    private var construction = MerkleDamgard<MD5Compression>()

    public init() {}

    public mutating func update(_ bytes: RawSpan) {
        construction.update(bytes)
    }

    public consuming func finalize() -> [UInt8] {
        construction.finalize(byteCount: Self.byteCount)
    }
}

/// The compression function of MD5 (RFC 1321, section 3.4).
struct MD5Compression: CompressionFunction {
    typealias Block = SIMD16<UInt32>

    static var byteOrder: ByteOrder { .littleEndian }

    private(set) var state = SIMD4<UInt32>(0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476)

    mutating func compress(_ blocks: RawSpan) {
        var start = Working(state)
        var offset = 0
        while offset < blocks.byteCount {
            let m = words(of: blocks, at: offset)
            var v = start
            // The constants are the sines of 1 to 64 radians, their fractional parts.
            v.steps(
                m,
                (
                    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee,
                    0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
                    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be,
                    0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821
                ),
                (7, 12, 17, 22)
            ) { x, y, z in ((y ^ z) & x) ^ z }
            v.steps(
                (
                    m.1, m.6, m.11, m.0, m.5, m.10, m.15, m.4,
                    m.9, m.14, m.3, m.8, m.13, m.2, m.7, m.12
                ),
                (
                    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa,
                    0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
                    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed,
                    0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a
                ),
                (5, 9, 14, 20)
            ) { x, y, z in (x & z) &+ (y & ~z) }
            v.steps(
                (
                    m.5, m.8, m.11, m.14, m.1, m.4, m.7, m.10,
                    m.13, m.0, m.3, m.6, m.9, m.12, m.15, m.2
                ),
                (
                    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c,
                    0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
                    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05,
                    0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665
                ),
                (4, 11, 16, 23)
            ) { x, y, z in x ^ y ^ z }
            v.steps(
                (
                    m.0, m.7, m.14, m.5, m.12, m.3, m.10, m.1,
                    m.8, m.15, m.6, m.13, m.4, m.11, m.2, m.9
                ),
                (
                    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039,
                    0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
                    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
                    0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391
                ),
                (6, 10, 15, 21)
            ) { x, y, z in y ^ (x | ~z) }
            start.add(v)
            offset &+= 64
        }
        state = start.vector
    }
}

/// Sixteen words: a block, or the constants that go with it.
private typealias Sixteen = (
    UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32,
    UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32
)

/// The words of a block. There must be a whole one at the offset.
@inline(__always)
private func words(of blocks: borrowing RawSpan, at offset: Int) -> Sixteen {
    func word(_ index: Int) -> UInt32 {
        // Unchecked: the caller's loop has established that the block is there.
        blocks.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 4 &* index, as: UInt32.self).littleEndian
    }
    return (
        word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7),
        word(8), word(9), word(10), word(11), word(12), word(13), word(14), word(15)
    )
}

/// The four working variables.
private struct Working {
    var a, b, c, d: UInt32

    @inline(__always)
    init(_ state: SIMD4<UInt32>) {
        (a, b, c, d) = (state[0], state[1], state[2], state[3])
    }

    @inline(__always)
    var vector: SIMD4<UInt32> { SIMD4(a, b, c, d) }

    @inline(__always)
    mutating func add(_ other: Working) {
        (a, b, c, d) = (a &+ other.a, b &+ other.b, c &+ other.c, d &+ other.d)
    }

    /// One of the four rounds: sixteen steps, in each of which the variables have other places.
    @inline(__always)
    mutating func steps(
        _ m: Sixteen, _ k: Sixteen, _ shifts: (UInt32, UInt32, UInt32, UInt32),
        mix: (_ x: UInt32, _ y: UInt32, _ z: UInt32) -> UInt32
    ) {
        Self.step(&a, b, m.0 &+ k.0, shifts.0, mix(b, c, d))
        Self.step(&d, a, m.1 &+ k.1, shifts.1, mix(a, b, c))
        Self.step(&c, d, m.2 &+ k.2, shifts.2, mix(d, a, b))
        Self.step(&b, c, m.3 &+ k.3, shifts.3, mix(c, d, a))
        Self.step(&a, b, m.4 &+ k.4, shifts.0, mix(b, c, d))
        Self.step(&d, a, m.5 &+ k.5, shifts.1, mix(a, b, c))
        Self.step(&c, d, m.6 &+ k.6, shifts.2, mix(d, a, b))
        Self.step(&b, c, m.7 &+ k.7, shifts.3, mix(c, d, a))
        Self.step(&a, b, m.8 &+ k.8, shifts.0, mix(b, c, d))
        Self.step(&d, a, m.9 &+ k.9, shifts.1, mix(a, b, c))
        Self.step(&c, d, m.10 &+ k.10, shifts.2, mix(d, a, b))
        Self.step(&b, c, m.11 &+ k.11, shifts.3, mix(c, d, a))
        Self.step(&a, b, m.12 &+ k.12, shifts.0, mix(b, c, d))
        Self.step(&d, a, m.13 &+ k.13, shifts.1, mix(a, b, c))
        Self.step(&c, d, m.14 &+ k.14, shifts.2, mix(d, a, b))
        Self.step(&b, c, m.15 &+ k.15, shifts.3, mix(c, d, a))
    }

    /// One step. `mk` is the word of the block plus the constant.
    @inline(__always)
    private static func step(_ a: inout UInt32, _ b: UInt32, _ mk: UInt32, _ shift: UInt32, _ mixed: UInt32) {
        a = b &+ (a &+ mk &+ mixed).rotatedLeft(shift)
    }
}
