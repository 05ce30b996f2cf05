// What is read without asking the type to decode itself: the counterpart of DirectWriting.swift.
//
// The functions here are not specialised, for they are called through the standard library's containers. So they stay clear of `T?`
// and tuples with `T`: to look up such a type at run time costs more than to read most values.

extension Scope {
    /// Decodes the value at an offset: strings, arrays of numbers and the commonest numbers at once, the rest by its `init(from:)`.
    @inline(__always)
    func decode<T: Decodable>(_ type: T.Type, at offset: Int, component: Int) throws -> T {
        switch MemoryLayout<T>.size {
        case MemoryLayout<Int>.size:
            return try decodeWord(type, at: offset, component: component)
        case MemoryLayout<String>.size where T.self == String.self:
            return unsafeBitCast(try string(at: offset, component: component).0, to: T.self)
        default:
            return try decodeNested(type, at: offset, component: component)
        }
    }

    private func decodeNested<T: Decodable>(_ type: T.Type, at offset: Int, component: Int) throws -> T {
        guard reader.depth < reader.limits.depth else { throw reader.tooDeep(path(component)) }
        reader.depth &+= 1
        defer { reader.depth &-= 1 }
        return try T(from: ValueDecoder(scope: self, offset: offset, component: component))
    }

    private func decodeWord<T: Decodable>(_ type: T.Type, at offset: Int, component: Int) throws -> T {
        if T.self == Int.self {
            return unsafeBitCast(try integer(Int.self, at: offset, component: component).0, to: T.self)
        }
        if T.self == Double.self {
            return unsafeBitCast(try double(at: offset, component: component).0, to: T.self)
        }
        if T.self == ContiguousArray<UInt8>.self,
            let array = try block(of: UInt8.self, at: offset, component: component)
        {
            return unsafeBitCast(ContiguousArray(array), to: T.self)
        }
        @inline(__always)
        func array<E: BlockElement>(of element: E.Type) throws -> [E]? {
            T.self == [E].self ? try block(of: element, at: offset, component: component) : nil
        }
        if let array = try array(of: UInt8.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: Int.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: Double.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: Float.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: Int8.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: Int16.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: Int32.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: Int64.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: UInt.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: UInt16.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: UInt32.self) { return unsafeBitCast(array, to: T.self) }
        if let array = try array(of: UInt64.self) { return unsafeBitCast(array, to: T.self) }
        return try decodeNested(type, at: offset, component: component)
    }

    /// The elements of a block, copied at once; nil if the value is not a block of just this type.
    @inline(__always)
    private func block<E: BlockElement>(of element: E.Type, at offset: Int, component: Int) throws -> [E]? {
        let value = try value(at: offset, component: component)
        guard value.tag == Tag.block + E.blockKind.rawValue else { return nil }
        // Array would write the count 0 into the storage that all empty arrays share, which the thread sanitizer reports.
        guard value.length > 0 else { return [] }
        let bytes = reader.wire.bytes(value.body, count: value.length)
        // The length was checked to lie within the message and to be a multiple of the stride.
        return [E](unsafeUninitializedCapacity: bytes.count / MemoryLayout<E>.stride) { elements, count in
            UnsafeMutableRawBufferPointer(elements).copyMemory(from: bytes)
            count = elements.count
        }
    }
}
