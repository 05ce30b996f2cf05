// How values are spelled. `MessageWriter` decides where they go.

extension [UInt8] {
    /// Makes room for `count` more bytes and then some: what follows a large block should not move it again.
    mutating func makeRoom(for count: Int) {
        if self.count + count > capacity {
            reserveCapacity(Swift.max(2 * capacity, self.count + count + 1024))
        }
    }

    /// Inserts bytes whose value the caller then sets.
    mutating func insertGap(of width: Int, at offset: Int) {
        let moved = count - offset
        makeRoom(for: width)
        append(contentsOf: repeatElement(0, count: width))
        withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            (base + offset + width).copyMemory(from: base + offset, byteCount: moved)
        }
    }

    @inline(__always)
    mutating func appendVarint(_ number: Int) {
        if number <= 247 {
            append(UInt8(truncatingIfNeeded: number))
        } else {
            let number = UInt64(number)
            let width = number.byteWidth
            appendNumber(number, width: width, tag: 247 + UInt8(width))
        }
    }

    /// Appends a tag and `width` bytes of a number.
    @inline(__always)
    mutating func appendNumber(_ number: UInt64, width: Int, tag: UInt8) {
        append(addingCapacity: 9) { output in
            output.append(tag)
            var rest = number
            for _ in 0..<width {
                output.append(UInt8(truncatingIfNeeded: rest))
                rest &>>= 8
            }
        }
    }

    @inline(__always)
    mutating func appendInteger<I: FixedWidthInteger>(_ value: I) {
        if I.isSigned, value < 0 {
            // -1 - n, which unlike -n has no case that does not fit.
            let complement = ~value
            guard let number = UInt64(exactly: complement) else { return appendWide(value) }
            let width = number.byteWidth
            appendNumber(number, width: width, tag: Tag.negative + UInt8(truncatingIfNeeded: width &- 1))
        } else if value <= 127 {
            append(Tag.smallNatural | UInt8(truncatingIfNeeded: value))
        } else {
            guard let number = UInt64(exactly: value) else { return appendWide(value) }
            let width = number.byteWidth
            appendNumber(number, width: width, tag: Tag.natural + UInt8(truncatingIfNeeded: width &- 1))
        }
    }

    @inline(never)
    private mutating func appendWide<I: FixedWidthInteger>(_ value: I) {
        let bits: UInt128
        if let signed = Int128(exactly: value) {
            append(Tag.int128)
            bits = UInt128(bitPattern: signed)
        } else {
            append(Tag.uint128)
            bits = UInt128(value)
        }
        for index in 0..<16 { append(UInt8(truncatingIfNeeded: bits >> (8 * index))) }
    }

    @inline(__always)
    mutating func appendFloat(_ value: Float) {
        appendNumber(UInt64(value.bitPattern), width: 4, tag: Tag.float)
    }

    @inline(__always)
    mutating func appendDouble(_ value: Double) {
        appendNumber(value.bitPattern, width: 8, tag: Tag.double)
    }

    @inline(__always)
    mutating func appendString(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            if utf8.count <= Tag.longestShortString {
                appendText(UnsafeRawBufferPointer(utf8), after: Tag.shortString + UInt8(truncatingIfNeeded: utf8.count))
            } else {
                append(Tag.string)
                appendVarint(utf8.count)
                makeRoom(for: utf8.count)
                append(contentsOf: UnsafeRawBufferPointer(utf8))
            }
        }
    }

    /// Appends a byte and short text: the array's own `append(contentsOf:)` is made for longer ones.
    @inline(__always)
    mutating func appendText(_ text: UnsafeRawBufferPointer, after first: UInt8) {
        append(addingCapacity: text.count &+ 1) { output in
            output.withUnsafeMutableBufferPointer { bytes, count in
                bytes[0] = first
                if let start = text.baseAddress, let base = bytes.baseAddress {
                    UnsafeMutableRawPointer(base + 1).copyMemory(from: start, byteCount: text.count)
                }
                count = text.count &+ 1
            }
        }
    }

    mutating func appendBlock(_ kind: BlockKind, _ elements: UnsafeRawBufferPointer) {
        append(Tag.block + kind.rawValue)
        appendVarint(elements.count)
        makeRoom(for: elements.count)
        append(contentsOf: elements)
    }
}

extension UInt64 {
    /// The bytes it takes to spell the number, at least one.
    @inline(__always)
    var byteWidth: Int { Swift.max(1, (71 &- leadingZeroBitCount) &>> 3) }
}
