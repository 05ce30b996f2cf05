// Numbers, truth values and strings of a message, as the type that was asked for or an error that says why not.

extension Scope {
    @inline(__always)
    func bool(at offset: Int, component: Int) throws -> (Bool, end: Int) {
        let value = try value(at: offset, component: component)
        switch value.tag {
        case Tag.true: return (true, value.end)
        case Tag.false: return (false, value.end)
        default: throw mismatch(Bool.self, value, at: offset, component)
        }
    }

    @inline(__always)
    func string(at offset: Int, component: Int) throws -> (String, end: Int) {
        let value = try value(at: offset, component: component)
        guard value.tag == Tag.string || (Tag.shortString..<Tag.smallNatural).contains(value.tag) else {
            throw mismatch(String.self, value, at: offset, component)
        }
        let bytes = reader.wire.bytes(value.body, count: value.length)
        guard let string = BinaryCoding.string(validating: bytes) else {
            throw corrupted(.notUTF8(offset: value.body), component)
        }
        return (string, value.end)
    }

    @inline(__always)
    func integer<I: FixedWidthInteger>(_ type: I.Type, at offset: Int, component: Int) throws -> (I, end: Int) {
        let value = try value(at: offset, component: component)
        if value.tag >= Tag.smallNatural {
            return (I(truncatingIfNeeded: value.tag & 0x7F), value.end)
        }
        let wire = reader.wire
        switch value.tag {
        case Tag.natural..<Tag.negative:
            let number = wire.number(at: value.body, width: value.length)
            if let integer = I(exactly: number) { return (integer, value.end) }
            throw doesNotFit(number, type, component)
        case Tag.negative..<Tag.block:
            let complement = wire.number(at: value.body, width: value.length)
            if I.isSigned, let integer = I(exactly: complement) { return (~integer, value.end) }
            throw doesNotFit(~Int128(complement), type, component)
        default:
            return (try wideInteger(type, value, at: offset, component), value.end)
        }
    }

    /// The integers that are rare: 128 bits wide, and elements of a block that is not read as a whole.
    @inline(never)
    private func wideInteger<I: FixedWidthInteger>(
        _ type: I.Type, _ value: WireValue, at offset: Int, _ component: Int
    ) throws -> I {
        func fit<W: FixedWidthInteger & BitwiseCopyable>(_ stored: W.Type) throws -> I {
            let number = reader.wire.fixed(at: value.body, as: stored)
            guard let integer = I(exactly: number) else { throw doesNotFit(number, type, component) }
            return integer
        }
        switch value.tag {
        case Tag.int128: return try fit(Int128.self)
        case Tag.uint128: return try fit(UInt128.self)
        case Tag.element..<Tag.shortString:
            switch BlockKind(tag: value.tag) {
            case .int8: return try fit(Int8.self)
            case .int16: return try fit(Int16.self)
            case .int32: return try fit(Int32.self)
            case .int64: return try fit(Int64.self)
            case .uint8: return try fit(UInt8.self)
            case .uint16: return try fit(UInt16.self)
            case .uint32: return try fit(UInt32.self)
            case .uint64: return try fit(UInt64.self)
            case .float, .double, nil: break
            }
        default: break
        }
        throw mismatch(type, value, at: offset, component)
    }

    @inline(never)
    private func doesNotFit(_ number: some CustomStringConvertible, _ type: Any.Type, _ component: Int) -> DecodingError
    {
        corrupted("\(number) does not fit into \(type).", component)
    }

    @inline(__always)
    func double(at offset: Int, component: Int) throws -> (Double, end: Int) {
        let value = try value(at: offset, component: component)
        switch value.tag {
        case Tag.double, Tag.element + BlockKind.double.rawValue:
            return (Double(bitPattern: reader.wire.number(at: value.body, width: 8)), value.end)
        case Tag.float, Tag.element + BlockKind.float.rawValue:
            return (Double(float(value)), value.end)
        default:
            throw mismatch(Double.self, value, at: offset, component)
        }
    }

    /// A `Double` is read as a `Float` if that loses nothing.
    @inline(__always)
    func float(at offset: Int, component: Int) throws -> (Float, end: Int) {
        let value = try value(at: offset, component: component)
        switch value.tag {
        case Tag.float, Tag.element + BlockKind.float.rawValue:
            return (float(value), value.end)
        case Tag.double, Tag.element + BlockKind.double.rawValue:
            let double = Double(bitPattern: reader.wire.number(at: value.body, width: 8))
            if double.isNaN { return (Float(double), value.end) }
            guard let float = Float(exactly: double) else { throw doesNotFit(double, Float.self, component) }
            return (float, value.end)
        default:
            throw mismatch(Float.self, value, at: offset, component)
        }
    }

    @inline(__always)
    private func float(_ value: WireValue) -> Float {
        Float(bitPattern: UInt32(truncatingIfNeeded: reader.wire.number(at: value.body, width: 4)))
    }
}
