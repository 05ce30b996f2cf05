/// The sponge of SHA-3: absorbs a message into the state, then gives out a digest (FIPS 202, sections 4 and 6.1).
struct KeccakSponge: Sendable {
    /// How many bytes of the state a block is mixed into. The others, twice the digest, are the capacity.
    private let rate: Int
    private let digestByteCount: Int
    private var lanes: Lanes = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    /// How much of the block that is being absorbed has been mixed in. There is no other buffer.
    private var position = 0

    init(digestByteCount: Int) {
        self.digestByteCount = digestByteCount
        rate = Self.rate(digestByteCount: digestByteCount)
    }

    static func rate(digestByteCount: Int) -> Int {
        MemoryLayout<Lanes>.size - 2 * digestByteCount
    }

    mutating func update(_ bytes: RawSpan) {
        var offset = 0
        if position > 0 {
            let count = min(rate - position, bytes.byteCount)
            absorb(bytes.extracting(first: count))
            offset = count
        }
        while bytes.byteCount - offset >= rate {
            absorbBlock(bytes, at: offset)
            offset += rate
        }
        absorb(bytes.extracting(droppingFirst: offset))
    }

    /// Pads the message with the two bits of SHA-3 and with a one bit, zeros and a one bit, and returns the digest.
    consuming func finalize() -> [UInt8] {
        // Bits come lowest first: 01 for SHA-3, then the first bit of the padding.
        absorb(0x06, at: position)
        absorb(0x80, at: rate - 1)
        lanes = permuted(lanes)
        return withUnsafeBytes(of: lanes) { lanes in
            // Not the bytes as they lie there: the lowest comes first on every machine.
            (0..<digestByteCount).map { index in
                let lane = lanes.load(fromByteOffset: index & ~7, as: UInt64.self)
                return UInt8(truncatingIfNeeded: lane &>> UInt64(8 * (index & 7)))
            }
        }
    }

    /// Mixes in bytes up to the end of the block, at most.
    private mutating func absorb(_ bytes: RawSpan) {
        for index in bytes.byteOffsets {
            absorb(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self), at: position + index)
        }
        position += bytes.byteCount
        if position == rate {
            lanes = permuted(lanes)
            position = 0
        }
    }

    private mutating func absorb(_ byte: UInt8, at index: Int) {
        withUnsafeMutableBytes(of: &lanes) { lanes in
            let lanes = lanes.assumingMemoryBound(to: UInt64.self)
            lanes[index / 8] ^= UInt64(byte) &<< UInt64(8 * (index % 8))
        }
    }

    /// Mixes in a whole block and goes on to the next. There must be one at the offset.
    private mutating func absorbBlock(_ bytes: RawSpan, at offset: Int) {
        withUnsafeMutableBytes(of: &lanes) { lanes in
            let lanes = lanes.assumingMemoryBound(to: UInt64.self)
            for lane in 0..<rate / 8 {
                // Unchecked: the caller has established that the block is there.
                let word = bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset &+ 8 &* lane, as: UInt64.self)
                lanes[lane] ^= word.littleEndian
            }
        }
        lanes = permuted(lanes)
    }
}

/// The state: lane (x, y) of FIPS 202 is number x + 5y.
private typealias Lanes = (
    UInt64, UInt64, UInt64, UInt64, UInt64,
    UInt64, UInt64, UInt64, UInt64, UInt64,
    UInt64, UInt64, UInt64, UInt64, UInt64,
    UInt64, UInt64, UInt64, UInt64, UInt64,
    UInt64, UInt64, UInt64, UInt64, UInt64
)

/// What ι mixes into the first lane, round by round (FIPS 202, section 3.2.5).
private let roundConstants: [UInt64] = [
    0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
    0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
    0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
    0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
    0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
    0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
]

/// The permutation Keccak-f[1600] (FIPS 202, section 3.3).
private func permuted(_ lanes: Lanes) -> Lanes {
    var lanes = lanes
    for constant in roundConstants {
        lanes = round(lanes)
        lanes.0 ^= constant
    }
    return lanes
}

/// One round but for its last step, ι.
@inline(__always)
private func round(_ a: Lanes) -> Lanes {
    // θ: each lane takes in the parity of two columns.
    let c0 = a.0 ^ a.5 ^ a.10 ^ a.15 ^ a.20
    let c1 = a.1 ^ a.6 ^ a.11 ^ a.16 ^ a.21
    let c2 = a.2 ^ a.7 ^ a.12 ^ a.17 ^ a.22
    let c3 = a.3 ^ a.8 ^ a.13 ^ a.18 ^ a.23
    let c4 = a.4 ^ a.9 ^ a.14 ^ a.19 ^ a.24
    let d0 = c4 ^ c1.rotatedLeft(1)
    let d1 = c0 ^ c2.rotatedLeft(1)
    let d2 = c1 ^ c3.rotatedLeft(1)
    let d3 = c2 ^ c4.rotatedLeft(1)
    let d4 = c3 ^ c0.rotatedLeft(1)

    // ρ rotates each lane, π moves it to another place, and χ mixes the rows of what results.
    let (r0, r1, r2, r3, r4) = chi(
        a.0 ^ d0,
        (a.6 ^ d1).rotatedLeft(44),
        (a.12 ^ d2).rotatedLeft(43),
        (a.18 ^ d3).rotatedLeft(21),
        (a.24 ^ d4).rotatedLeft(14)
    )
    let (r5, r6, r7, r8, r9) = chi(
        (a.3 ^ d3).rotatedLeft(28),
        (a.9 ^ d4).rotatedLeft(20),
        (a.10 ^ d0).rotatedLeft(3),
        (a.16 ^ d1).rotatedLeft(45),
        (a.22 ^ d2).rotatedLeft(61)
    )
    let (r10, r11, r12, r13, r14) = chi(
        (a.1 ^ d1).rotatedLeft(1),
        (a.7 ^ d2).rotatedLeft(6),
        (a.13 ^ d3).rotatedLeft(25),
        (a.19 ^ d4).rotatedLeft(8),
        (a.20 ^ d0).rotatedLeft(18)
    )
    let (r15, r16, r17, r18, r19) = chi(
        (a.4 ^ d4).rotatedLeft(27),
        (a.5 ^ d0).rotatedLeft(36),
        (a.11 ^ d1).rotatedLeft(10),
        (a.17 ^ d2).rotatedLeft(15),
        (a.23 ^ d3).rotatedLeft(56)
    )
    let (r20, r21, r22, r23, r24) = chi(
        (a.2 ^ d2).rotatedLeft(62),
        (a.8 ^ d3).rotatedLeft(55),
        (a.14 ^ d4).rotatedLeft(39),
        (a.15 ^ d0).rotatedLeft(41),
        (a.21 ^ d1).rotatedLeft(2)
    )
    return (
        r0, r1, r2, r3, r4,
        r5, r6, r7, r8, r9,
        r10, r11, r12, r13, r14,
        r15, r16, r17, r18, r19,
        r20, r21, r22, r23, r24
    )
}

/// χ: the only step that is not linear (FIPS 202, section 3.2.4).
@inline(__always)
private func chi(
    _ b0: UInt64, _ b1: UInt64, _ b2: UInt64, _ b3: UInt64, _ b4: UInt64
) -> (UInt64, UInt64, UInt64, UInt64, UInt64) {
    (b0 ^ (~b1 & b2), b1 ^ (~b2 & b3), b2 ^ (~b3 & b4), b3 ^ (~b4 & b0), b4 ^ (~b0 & b1))
}
