/// The part of MD5 and the SHA-2 functions in which they differ: what becomes of a block.
protocol CompressionFunction: Sendable {
    /// What messages are cut into: sixteen words.
    associatedtype Block: SIMD & Sendable where Block.Scalar: FixedWidthInteger & UnsignedInteger

    /// What the blocks so far amount to, words that become the digest.
    associatedtype State: SIMD<Block.Scalar>

    /// The order of the bytes in the words of blocks, digest and message length.
    static var byteOrder: ByteOrder { get }

    var state: State { get }

    init()

    /// Takes in whole blocks, one after the other.
    mutating func compress(_ blocks: RawSpan)
}

/// The order in which a hash function puts the bytes of a word.
enum ByteOrder {
    case littleEndian
    case bigEndian

    /// Between the order of this machine and this one, in either direction.
    @inline(__always)
    func convert<Word: FixedWidthInteger>(_ word: Word) -> Word {
        switch self {
        case .littleEndian: word.littleEndian
        case .bigEndian: word.bigEndian
        }
    }
}

/// A hash function made from a compression function: cuts the message into blocks and pads the last one
/// (RFC 1321, sections 3.1 and 3.2; FIPS 180-4, section 5.1).
struct MerkleDamgard<Compression: CompressionFunction>: Sendable {
    private typealias Word = Compression.Block.Scalar

    static var blockByteCount: Int { MemoryLayout<Compression.Block>.size }

    private var compression = Compression()
    /// The beginning of a block that is not complete yet.
    private var block = Compression.Block()
    private var byteCount: UInt64 = 0

    init() {}

    private var filled: Int { Int(truncatingIfNeeded: byteCount) & (Self.blockByteCount - 1) }

    mutating func update(_ bytes: RawSpan) {
        let filled = filled
        byteCount &+= UInt64(bytes.byteCount)
        var rest = bytes
        if filled > 0 {
            let missing = Self.blockByteCount - filled
            fill(from: filled, with: rest.extracting(first: missing))
            guard rest.byteCount >= missing else { return }
            compressBlock()
            rest = rest.extracting(droppingFirst: missing)
        }
        let whole = rest.byteCount & ~(Self.blockByteCount - 1)
        if whole > 0 {
            compression.compress(rest.extracting(first: whole))
        }
        fill(from: 0, with: rest.extracting(droppingFirst: whole))
    }

    /// Pads the message with a one bit, zeros, and its length in bits as two words, and returns the final state.
    consuming func finalize() -> Compression.State {
        let bitCount = byteCount.multipliedFullWidth(by: 8)
        let start = filled
        withUnsafeMutableBytes(of: &block) { block in
            block[start] = 0x80
            for index in start + 1..<block.count {
                block[index] = 0
            }
        }
        let lengthByteCount = 2 * MemoryLayout<Word>.size
        if start + 1 + lengthByteCount > Self.blockByteCount {
            compressBlock()
            block = .zero
        }
        let low = Word(truncatingIfNeeded: bitCount.low)
        // The second word is the upper half of 64 bits for words of 32, and that of 128 bits for words of 64.
        let high =
            Word.bitWidth < UInt64.bitWidth
            ? Word(truncatingIfNeeded: bitCount.low >> UInt64(Word.bitWidth))
            : Word(truncatingIfNeeded: bitCount.high)
        switch Compression.byteOrder {
        case .littleEndian: (block[14], block[15]) = (low.littleEndian, high.littleEndian)
        case .bigEndian: (block[14], block[15]) = (high.bigEndian, low.bigEndian)
        }
        compressBlock()
        return compression.state
    }

    /// Ends the message and returns the first bytes of the final state.
    consuming func finalize(byteCount: Int) -> [UInt8] {
        var state = finalize()
        for index in state.indices {
            state[index] = Compression.byteOrder.convert(state[index])
        }
        return withUnsafeBytes(of: state) { Array($0.prefix(byteCount)) }
    }

    private mutating func fill(from offset: Int, with bytes: RawSpan) {
        withUnsafeMutableBytes(of: &block) { block in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: block[offset...]).copyMemory(from: $0) }
        }
    }

    private mutating func compressBlock() {
        // A copy, because the compression function cannot be changed while a sibling of it is borrowed.
        let block = block
        withUnsafeBytes(of: block) { compression.compress(RawSpan(_unsafeBytes: $0)) }
    }
}
