/// Why bytes are not a message.
enum WireError: Error {
    case truncated(offset: Int, needed: UInt64, available: Int)
    case unknownTag(UInt8, offset: Int)
    case raggedBlock(length: Int, stride: Int, offset: Int)
    case unknownKey(UInt64, known: Int, offset: Int)
    case repeatedKey(index: Int, offset: Int)
    case repeatedName(offset: Int)
    case sharedLongKey(offset: Int)
    case notUTF8(offset: Int)
    case leftOver(offset: Int, count: Int)

    var description: String {
        switch self {
        case .truncated(let offset, let needed, let available):
            "At byte \(offset), \(needed) more bytes were announced and there are \(available)."
        case .unknownTag(let tag, let offset):
            "At byte \(offset) is \(tag), which is no tag."
        case .raggedBlock(let length, let stride, let offset):
            "At byte \(offset) is a block of \(length) bytes, which is no multiple of the \(stride) an element takes."
        case .unknownKey(let index, let known, let offset):
            "At byte \(offset) is key number \(index), and the message has \(known) keys."
        case .repeatedKey(_, let offset):
            "At byte \(offset) is a key that the same container already has."
        case .repeatedName(let offset):
            "At byte \(offset) is a key that the table already has."
        case .sharedLongKey(let offset):
            "At byte \(offset) is a key of more than \(Tag.longestSharedKey) bytes that another container has too."
        case .notUTF8(let offset):
            "At byte \(offset) is text that is not UTF-8."
        case .leftOver(let offset, let count):
            "\(count) bytes follow the message, which ends at byte \(offset)."
        }
    }
}

/// A value's tag and where the bytes it announces lie.
struct WireValue {
    var tag: UInt8
    /// Where what follows tag and length begins.
    var body: Int
    /// Where the value ends.
    var end: Int

    @inline(__always)
    var length: Int { end - body }
}

/// The bytes of a message, and the one place that reads them: each read is checked against a limit.
struct Wire {
    let base: UnsafeRawPointer
    let count: Int

    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// The number of `width` bytes (1…8) at `offset`, which the caller has checked to be there.
    @inline(__always)
    func number(at offset: Int, width: Int) -> UInt64 {
        if offset &+ 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            return word & (.max &>> UInt64(64 &- 8 &* width))
        }
        var number: UInt64 = 0
        for index in 0..<width {
            number |= UInt64(byte(at: offset &+ index)) &<< UInt64(8 &* index)
        }
        return number
    }

    @inline(__always)
    func fixed<T: BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
        base.loadUnaligned(fromByteOffset: offset, as: type)
    }

    /// Reads a varint and moves `offset` behind it.
    @inline(__always)
    func varint(at offset: inout Int, limit: Int) throws(WireError) -> UInt64 {
        guard offset < limit else { throw .truncated(offset: offset, needed: 1, available: 0) }
        let first = byte(at: offset)
        offset &+= 1
        return first <= 247 ? UInt64(first) : try longVarint(first, at: &offset, limit: limit)
    }

    @inline(never)
    private func longVarint(_ first: UInt8, at offset: inout Int, limit: Int) throws(WireError) -> UInt64 {
        let width = Int(first) - 247
        guard limit - offset >= width else {
            throw .truncated(offset: offset, needed: UInt64(width), available: limit - offset)
        }
        defer { offset += width }
        return number(at: offset, width: width)
    }

    /// The value at `offset`, all of which lies before `limit`. It does not look inside.
    @inline(__always)
    func value(at offset: Int, limit: Int) throws(WireError) -> WireValue {
        guard offset < limit else { throw .truncated(offset: offset, needed: 1, available: 0) }
        let tag = byte(at: offset)
        let body = offset &+ 1
        if tag >= Tag.smallNatural { return WireValue(tag: tag, body: body, end: body) }
        return try longerValue(tag, body: body, limit: limit)
    }

    private func longerValue(_ tag: UInt8, body: Int, limit: Int) throws(WireError) -> WireValue {
        var body = body
        let length: UInt64
        switch tag {
        case Tag.null, Tag.false, Tag.true, Tag.empty: length = 0
        case Tag.float: length = 4
        case Tag.double: length = 8
        case Tag.int128, Tag.uint128: length = 16
        case Tag.natural..<Tag.block: length = UInt64(tag & 7) + 1
        case Tag.shortString..<Tag.smallNatural: length = UInt64(tag - Tag.shortString)
        case Tag.string, Tag.keyed, Tag.unkeyed: length = try varint(at: &body, limit: limit)
        case Tag.block..<Tag.element:
            guard let stride = BlockKind(tag: tag)?.stride else { throw .unknownTag(tag, offset: body - 1) }
            let start = body - 1
            length = try varint(at: &body, limit: limit)
            guard length <= UInt64(limit - body) else { break }
            guard Int(length) % stride == 0 else {
                throw .raggedBlock(length: Int(length), stride: stride, offset: start)
            }
        default: throw .unknownTag(tag, offset: body - 1)
        }
        guard length <= UInt64(limit - body) else {
            throw .truncated(offset: body, needed: length, available: limit - body)
        }
        return WireValue(tag: tag, body: body, end: body + Int(length))
    }

    /// The integer that is all of the message, and needs no reader; `nil` when the message is anything else, or no message.
    @inline(__always)
    var soleInteger: Int? {
        // Behind the value there are no keys.
        guard count >= 2, byte(at: count &- 1) == 0 else { return nil }
        let tag = byte(at: 0)
        if tag >= Tag.smallNatural { return count == 2 ? Int(tag & 0x7F) : nil }
        guard tag >= Tag.natural, tag < Tag.block, count == Int(tag & 7) &+ 3 else { return nil }
        guard let number = Int(exactly: self.number(at: 1, width: Int(tag & 7) &+ 1)) else { return nil }
        return tag < Tag.negative ? number : ~number
    }

    /// The index in the key table at `offset`, which is moved behind it.
    @inline(__always)
    func key(at offset: inout Int, limit: Int, known: Int) throws(WireError) -> Int {
        let start = offset
        let index = try varint(at: &offset, limit: limit)
        guard index < UInt64(known) else { throw .unknownKey(index, known: known, offset: start) }
        return Int(index)
    }

    @inline(__always)
    func bytes(_ offset: Int, count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + offset, count: count)
    }
}

/// Whether two pieces of memory are the same. Keys are short: this is faster for them than a call of `memcmp`.
@inline(__always)
func isSame(_ first: UnsafeRawPointer, _ second: UnsafeRawPointer, count: Int) -> Bool {
    var offset = 0
    while offset &+ 8 <= count {
        if first.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            != second.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        {
            return false
        }
        offset &+= 8
    }
    while offset < count {
        if first.load(fromByteOffset: offset, as: UInt8.self) != second.load(fromByteOffset: offset, as: UInt8.self) {
            return false
        }
        offset &+= 1
    }
    return true
}
