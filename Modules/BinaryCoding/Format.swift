// The wire format. A message is one value followed by the table of its keys; nothing may follow.
//
//     message   value, varint (number of keys), that many of: varint (length), UTF-8
//     varint    one byte 0…247 is the number itself; 247 + n (n = 1…8) is followed by n bytes of it
//     value     one tag, and what the tag says:
//
//     00 nil          04 Float, 4 bytes      08 unkeyed: varint (length in bytes), values
//     01 false        05 Double, 8 bytes     09 Int128, 16 bytes
//     02 true         06 string: varint (length), UTF-8       0A UInt128, 16 bytes
//     03 empty        07 keyed: varint (length in bytes), entries: varint (index in the key table), value
//     10…17           natural number of 1…8 bytes
//     18…1F           negative number n, as -1 - n of 1…8 bytes
//     20…29           block: varint (length in bytes), elements of Int8, 16, 32, 64, UInt8, 16, 32, 64, Float, Double
//     40…7F           string of 0…63 bytes: UTF-8
//     80…FF           natural number 0…127
//
// Everything is little-endian. "Empty" is what a value that encoded nothing becomes; it opens as either kind of container.
// `[Int]` and `[UInt]` are blocks of their width.
//
// Why so: every value's end is known from its first bytes, so that a decoder can step over what it was not asked for
// without looking inside, however deep it is, and a container can be read in any order. That is also why the keys are in
// one table and not spelled where they first occur: that place may be stepped over. No value is shorter than one byte, so
// that a message cannot promise more elements than it has bytes.
//
// The table has each key once, except those of more than 64 bytes: such a key has an entry for each container that uses it. Else a message
// could have one very long key and very many small containers that refer to it, and whoever decodes them would copy and
// compare it again and again.

#if _endian(big)
    #error(
        "BinaryCoding copies blocks of numbers as they lie in memory, which is right on little-endian machines only.")
#endif

/// The first byte of a value.
enum Tag {
    static let null: UInt8 = 0x00
    static let `false`: UInt8 = 0x01
    static let `true`: UInt8 = 0x02
    static let empty: UInt8 = 0x03
    static let float: UInt8 = 0x04
    static let double: UInt8 = 0x05
    static let string: UInt8 = 0x06
    static let keyed: UInt8 = 0x07
    static let unkeyed: UInt8 = 0x08
    static let int128: UInt8 = 0x09
    static let uint128: UInt8 = 0x0A
    static let natural: UInt8 = 0x10
    static let negative: UInt8 = 0x18
    static let block: UInt8 = 0x20
    /// An element of a block, which has no tag of its own: never in a message, only in a ``WireValue``.
    static let element: UInt8 = 0x30
    static let shortString: UInt8 = 0x40
    static let smallNatural: UInt8 = 0x80

    static let longestShortString = 63

    /// The longest key, in bytes, that more than one container may refer to.
    static let longestSharedKey = 64

    /// What a value with this tag is called in an error's description.
    static func name(_ tag: UInt8) -> String {
        switch tag {
        case null: "nil"
        case `false`, `true`: "a Bool"
        case empty: "an empty value"
        case float: "a Float"
        case double: "a Double"
        case keyed: "a keyed container"
        case unkeyed: "an unkeyed container"
        case int128, uint128, natural..<block, smallNatural...: "an integer"
        case block..<element: "a block of \(BlockKind(tag: tag).map { "\($0)" } ?? "unknown") numbers"
        case element..<shortString: "a number of a block"
        default: "a string"
        }
    }
}

/// The type of a block's elements.
enum BlockKind: UInt8 {
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float, double

    /// The kind that the tag of a block, or of an element of one, names.
    @inline(__always)
    init?(tag: UInt8) {
        self.init(rawValue: tag & 0x0F)
    }

    /// Bytes an element takes.
    @inline(__always)
    var stride: Int {
        switch self {
        case .int8, .uint8: 1
        case .int16, .uint16: 2
        case .int32, .uint32, .float: 4
        case .int64, .uint64, .double: 8
        }
    }
}

/// A number whose arrays are written as one block of memory.
protocol BlockElement: BitwiseCopyable {
    static var blockKind: BlockKind { get }
}

extension Int8: BlockElement { static var blockKind: BlockKind { .int8 } }
extension Int16: BlockElement { static var blockKind: BlockKind { .int16 } }
extension Int32: BlockElement { static var blockKind: BlockKind { .int32 } }
extension Int64: BlockElement { static var blockKind: BlockKind { .int64 } }
extension UInt8: BlockElement { static var blockKind: BlockKind { .uint8 } }
extension UInt16: BlockElement { static var blockKind: BlockKind { .uint16 } }
extension UInt32: BlockElement { static var blockKind: BlockKind { .uint32 } }
extension UInt64: BlockElement { static var blockKind: BlockKind { .uint64 } }
extension Float: BlockElement { static var blockKind: BlockKind { .float } }
extension Double: BlockElement { static var blockKind: BlockKind { .double } }
extension Int: BlockElement {
    static var blockKind: BlockKind { MemoryLayout<Int>.size == 8 ? .int64 : .int32 }
}
extension UInt: BlockElement {
    static var blockKind: BlockKind { MemoryLayout<UInt>.size == 8 ? .uint64 : .uint32 }
}
