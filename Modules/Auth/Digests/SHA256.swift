/// SHA-256 (FIPS 180-4, section 6.2).
public struct SHA256: HashFunction {
    public static let byteCount = 32
    public static let blockByteCount = MerkleDamgard<SHA256Compression>.blockByteCount

    private var construction = MerkleDamgard<SHA256Compression>()

    public init() {}

    public mutating func update(_ bytes: RawSpan) {
        construction.update(bytes)
    }

    public consuming func finalize() -> [UInt8] {
        construction.finalize(byteCount: Self.byteCount)
    }
}

/// The compression function of SHA-256.
struct SHA256Compression: CompressionFunction {
    typealias Block = SIMD16<UInt32>

    static var byteOrder: ByteOrder { .bigEndian }

    /// The square roots of the first eight primes, their fractional parts (FIPS 180-4, section 5.3.3).
    private(set) var state = SIMD8<UInt32>(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19)

    mutating func compress(_ blocks: RawSpan) {
        var start = Working(state)
        var offset = 0
        while offset < blocks.byteCount {
            var w = Schedule(blocks, at: offset)
            var v = start
            // The cube roots of the first 64 primes, their fractional parts (FIPS 180-4, section 4.2.2).
            v.rounds(
                w,
                (
                    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5,
                    0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
                    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3,
                    0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174
                )
            )
            w.advance()
            v.rounds(
                w,
                (
                    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc,
                    0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
                    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
                    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967
                )
            )
            w.advance()
            v.rounds(
                w,
                (
                    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13,
                    0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
                    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3,
                    0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070
                )
            )
            w.advance()
            v.rounds(
                w,
                (
                    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5,
                    0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
                    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208,
                    0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2
                )
            )
            start.add(v)
            offset &+= 64
        }
        state = start.vector
    }
}

/// Sixteen words: a window of the message schedule, or the constants that go with it.
private typealias Sixteen = (
    UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32,
    UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32
)

/// The last sixteen words of the message schedule, all that computing the next sixteen takes.
private struct Schedule {
    var words: Sixteen

    /// The first sixteen, which are the block itself. There must be a whole block at the offset.
    @inline(__always)
    init(_ blocks: borrowing RawSpan, at offset: Int) {
        func word(_ index: Int) -> UInt32 {
            // Unchecked: the caller's loop has established that the block is there.
            blocks.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 4 &* index, as: UInt32.self).bigEndian
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
    private static func extend(_ word: inout UInt32, _ first: UInt32, _ ninth: UInt32, _ fourteenth: UInt32) {
        let sigma0 = first.rotatedRight(7) ^ first.rotatedRight(18) ^ (first &>> 3)
        let sigma1 = fourteenth.rotatedRight(17) ^ fourteenth.rotatedRight(19) ^ (fourteenth &>> 10)
        word = word &+ sigma0 &+ ninth &+ sigma1
    }
}

/// The eight working variables.
private struct Working {
    var a, b, c, d, e, f, g, h: UInt32

    @inline(__always)
    init(_ state: SIMD8<UInt32>) {
        (a, b, c, d) = (state[0], state[1], state[2], state[3])
        (e, f, g, h) = (state[4], state[5], state[6], state[7])
    }

    @inline(__always)
    var vector: SIMD8<UInt32> { SIMD8(a, b, c, d, e, f, g, h) }

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
        _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32,
        _ e: UInt32, _ f: UInt32, _ g: UInt32, _ h: inout UInt32, _ wk: UInt32
    ) {
        // Forms of Ch and Maj that take fewer instructions. The terms of Maj have no bit in common: a sum will do, and
        // is faster, because the compiler can combine it with the other sums.
        let choice = ((f ^ g) & e) ^ g
        let majority = (a & b) &+ (c & (a ^ b))
        let temporary = h &+ wk &+ choice &+ (e.rotatedRight(6) ^ e.rotatedRight(11) ^ e.rotatedRight(25))
        d = d &+ temporary
        h = temporary &+ majority &+ (a.rotatedRight(2) ^ a.rotatedRight(13) ^ a.rotatedRight(22))
    }
}
