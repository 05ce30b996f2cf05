// What is written without asking the value to encode itself. Types are compared by identity: `as? [Int]` would also match an empty `[String]`.

extension MessageWriter {
    /// Writes strings, arrays of numbers and the commonest numbers; false if the value is something else.
    @inline(__always)
    func writeDirectly<T>(_ value: T) -> Bool {
        // The size tells most types apart for the price of one load.
        switch MemoryLayout<T>.size {
        case MemoryLayout<Int>.size:
            return writeWord(value)
        case MemoryLayout<String>.size where T.self == String.self:
            write(unsafeBitCast(value, to: String.self))
            return true
        default:
            return false
        }
    }

    func write(_ value: String) {
        expect(value.utf8.count)
        bytes.appendString(value)
    }

    private func writeWord<T>(_ value: T) -> Bool {
        if T.self == Int.self {
            bytes.appendInteger(unsafeBitCast(value, to: Int.self))
            return true
        }
        if T.self == Double.self {
            bytes.appendDouble(unsafeBitCast(value, to: Double.self))
            return true
        }
        if T.self == ContiguousArray<UInt8>.self {
            unsafeBitCast(value, to: ContiguousArray<UInt8>.self).withUnsafeBytes { writeBlock(.uint8, $0) }
            return true
        }
        return write(value, asArrayOf: UInt8.self) || write(value, asArrayOf: Int.self)
            || write(value, asArrayOf: Double.self) || write(value, asArrayOf: Float.self)
            || write(value, asArrayOf: Int8.self) || write(value, asArrayOf: Int16.self)
            || write(value, asArrayOf: Int32.self) || write(value, asArrayOf: Int64.self)
            || write(value, asArrayOf: UInt.self) || write(value, asArrayOf: UInt16.self)
            || write(value, asArrayOf: UInt32.self) || write(value, asArrayOf: UInt64.self)
    }

    @inline(__always)
    private func write<T, E: BlockElement>(_ value: T, asArrayOf element: E.Type) -> Bool {
        guard T.self == [E].self else { return false }
        unsafeBitCast(value, to: [E].self).withUnsafeBytes { writeBlock(E.blockKind, $0) }
        return true
    }

    private func writeBlock(_ kind: BlockKind, _ elements: UnsafeRawBufferPointer) {
        expect(elements.count)
        bytes.appendBlock(kind, elements)
    }
}
