/// SHA-384 (FIPS 180-4, section 6.5).
public struct SHA384: HashFunction {
    public static let byteCount = 48
    public static let blockByteCount = MerkleDamgard<SHA384Compression>.blockByteCount

    private var construction = MerkleDamgard<SHA384Compression>()

    public init() {}

    public mutating func update(_ bytes: RawSpan) {
        construction.update(bytes)
    }

    public consuming func finalize() -> [UInt8] {
        construction.finalize(byteCount: Self.byteCount)
    }
}

/// The compression function of SHA-384, which is that of SHA-512 from another initial state.
struct SHA384Compression: CompressionFunction {
    typealias Block = SIMD16<UInt64>

    static var byteOrder: ByteOrder { .bigEndian }

    /// The square roots of the ninth to sixteenth primes, their fractional parts (FIPS 180-4, section 5.3.4).
    private(set) var state = SIMD8<UInt64>(
        0xcbbb_9d5d_c105_9ed8, 0x629a_292a_367c_d507, 0x9159_015a_3070_dd17, 0x152f_ecd8_f70e_5939,
        0x6733_2667_ffc0_0b31, 0x8eb4_4a87_6858_1511, 0xdb0c_2e0d_64f9_8fa7, 0x47b5_481d_befa_4fa4)

    mutating func compress(_ blocks: RawSpan) {
        var start = Working(state)
        var offset = 0
        while offset < blocks.byteCount {
            var w = Schedule(blocks, at: offset)
            var v = start
            // The cube roots of the first 80 primes, their fractional parts (FIPS 180-4, section 4.2.3).
            v.rounds(
                w,
                (
                    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
                    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
                    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
                    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694
                )
            )
            w.advance()
            v.rounds(
                w,
                (
                    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
                    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
                    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
                    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70
                )
            )
            w.advance()
            v.rounds(
                w,
                (
                    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
                    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
                    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
                    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8
                )
            )
            w.advance()
            v.rounds(
                w,
                (
                    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
                    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
                    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
                    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b
                )
            )
            w.advance()
            v.rounds(
                w,
                (
                    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
                    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
                    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
                    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817
                )
            )
            start.add(v)
            offset &+= 128
        }
        state = start.vector
    }
}

/// Sixteen words: a window of the message schedule, or the constants that go with it.
private typealias Sixteen = (
    UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64,
    UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64
)

/// The last sixteen words of the message schedule, all that computing the next sixteen takes.
private struct Schedule {
    var words: Sixteen

    /// The first sixteen, which are the block itself. There must be a whole block at the offset.
    @inline(__always)
    init(_ blocks: borrowing RawSpan, at offset: Int) {
        func word(_ index: Int) -> UInt64 {
            // Unchecked: the caller's loop has established that the block is there.
            blocks.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 8 &* index, as: UInt64.self).bigEndian
        }
        words = (
            word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7),
            word(8), word(9), word(10), word(11), word(12), word(13), word(14), word(15)
        )
    }

    /// Goes on to the next sixteen words.
    @inline(__always)
    mutating func advance() {
        Self.extend(&words.0, words.1, words.9, words.14)
        Self.extend(&words.1, words.2, words.10, words.15)
        Self.extend(&words.2, words.3, words.11, words.0)
        Self.extend(&words.3, words.4, words.12, words.1)
        Self.extend(&words.4, words.5, words.13, words.2)
        Self.extend(&words.5, words.6, words.14, words.3)
        Self.extend(&words.6, words.7, words.15, words.4)
        Self.extend(&words.7, words.8, words.0, words.5)
        Self.extend(&words.8, words.9, words.1, words.6)
        Self.extend(&words.9, words.10, words.2, words.7)
        Self.extend(&words.10, words.11, words.3, words.8)
        Self.extend(&words.11, words.12, words.4, words.9)
        Self.extend(&words.12, words.13, words.5, words.10)
        Self.extend(&words.13, words.14, words.6, words.11)
        Self.extend(&words.14, words.15, words.7, words.12)
        Self.extend(&words.15, words.0, words.8, words.13)
    }

    /// Makes the word 16 places further on from the one here and those 1, 9 and 14 places further on.
    @inline(__always)
    private static func extend(_ word: inout UInt64, _ first: UInt64, _ ninth: UInt64, _ fourteenth: UInt64) {
        let sigma0 = first.rotatedRight(1) ^ first.rotatedRight(8) ^ (first &>> 7)
        let sigma1 = fourteenth.rotatedRight(19) ^ fourteenth.rotatedRight(61) ^ (fourteenth &>> 6)
        word = word &+ sigma0 &+ ninth &+ sigma1
    }
}

/// The eight working variables.
private struct Working {
    var a, b, c, d, e, f, g, h: UInt64

    @inline(__always)
    init(_ state: SIMD8<UInt64>) {
        (a, b, c, d) = (state[0], state[1], state[2], state[3])
        (e, f, g, h) = (state[4], state[5], state[6], state[7])
    }

    @inline(__always)
    var vector: SIMD8<UInt64> { SIMD8(a, b, c, d, e, f, g, h) }

    @inline(__always)
    mutating func add(_ other: Working) {
        (a, b, c, d) = (a &+ other.a, b &+ other.b, c &+ other.c, d &+ other.d)
        (e, f, g, h) = (e &+ other.e, f &+ other.f, g &+ other.g, h &+ other.h)
    }

    /// Sixteen rounds. Instead of moving every variable to the next one, each round gives them other places.
    @inline(__always)
    mutating func rounds(_ w: Schedule, _ k: Sixteen) {
        Self.round(a, b, c, &d, e, f, g, &h, k.0 &+ w.words.0)
        Self.round(h, a, b, &c, d, e, f, &g, k.1 &+ w.words.1)
        Self.round(g, h, a, &b, c, d, e, &f, k.2 &+ w.words.2)
        Self.round(f, g, h, &a, b, c, d, &e, k.3 &+ w.words.3)
        Self.round(e, f, g, &h, a, b, c, &d, k.4 &+ w.words.4)
        Self.round(d, e, f, &g, h, a, b, &c, k.5 &+ w.words.5)
        Self.round(c, d, e, &f, g, h, a, &b, k.6 &+ w.words.6)
        Self.round(b, c, d, &e, f, g, h, &a, k.7 &+ w.words.7)
        Self.round(a, b, c, &d, e, f, g, &h, k.8 &+ w.words.8)
        Self.round(h, a, b, &c, d, e, f, &g, k.9 &+ w.words.9)
        Self.round(g, h, a, &b, c, d, e, &f, k.10 &+ w.words.10)
        Self.round(f, g, h, &a, b, c, d, &e, k.11 &+ w.words.11)
        Self.round(e, f, g, &h, a, b, c, &d, k.12 &+ w.words.12)
        Self.round(d, e, f, &g, h, a, b, &c, k.13 &+ w.words.13)
        Self.round(c, d, e, &f, g, h, a, &b, k.14 &+ w.words.14)
        Self.round(b, c, d, &e, f, g, h, &a, k.15 &+ w.words.15)
    }

    /// One round; of the eight variables only two get new values. `wk` is the schedule's word plus the constant.
    @inline(__always)
    private static func round(
        _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: inout UInt64,
        _ e: UInt64, _ f: UInt64, _ g: UInt64, _ h: inout UInt64, _ wk: UInt64
    ) {
        // Forms of Ch and Maj that take fewer instructions. The terms of Maj have no bit in common: a sum will do, and
        // is faster, because the compiler can combine it with the other sums.
        let choice = ((f ^ g) & e) ^ g
        let majority = (a & b) &+ (c & (a ^ b))
        let temporary = h &+ wk &+ choice &+ (e.rotatedRight(14) ^ e.rotatedRight(18) ^ e.rotatedRight(41))
        d = d &+ temporary
        h = temporary &+ majority &+ (a.rotatedRight(28) ^ a.rotatedRight(34) ^ a.rotatedRight(39))
    }
}
