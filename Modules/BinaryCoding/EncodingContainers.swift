/// The encoder a value is handed, and the container of one that consists of a single other.
struct ValueEncoder: Encoder, SingleValueEncodingContainer {
    let writer: MessageWriter
    let place: MessageWriter.Handle

    var codingPath: [any CodingKey] { writer.codingPath(of: place) }
    var userInfo: [CodingUserInfoKey: Any] { writer.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedEntries(writer: writer, container: writer.open(.keyed, at: place)))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        UnkeyedElements(writer: writer, container: writer.open(.unkeyed, at: place))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws {
        try writer.claimForSingle(place)
        writer.bytes.append(Tag.null)
    }

    @inline(__always)
    func encode(_ value: Bool) throws {
        try writer.claimForSingle(place)
        writer.bytes.append(value ? Tag.true : Tag.false)
    }

    @inline(__always)
    func encode(_ value: String) throws {
        try writer.claimForSingle(place)
        writer.write(value)
    }

    @inline(__always)
    func encode(_ value: Double) throws {
        try writer.claimForSingle(place)
        writer.bytes.appendDouble(value)
    }

    @inline(__always)
    func encode(_ value: Float) throws {
        try writer.claimForSingle(place)
        writer.bytes.appendFloat(value)
    }

    // This is the protocol's `encode` of each integer type. The two 128 bits wide ones need to be named, since the protocol has
    // a default for them, which would be preferred.
    @inline(__always)
    func encode<I: FixedWidthInteger & Encodable>(_ value: I) throws {
        try writer.claimForSingle(place)
        writer.bytes.appendInteger(value)
    }

    @inline(__always)
    func encode(_ value: Int128) throws {
        try writer.claimForSingle(place)
        writer.bytes.appendInteger(value)
    }

    @inline(__always)
    func encode(_ value: UInt128) throws {
        try writer.claimForSingle(place)
        writer.bytes.appendInteger(value)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try writer.writeInPlace(value, at: place)
    }
}

struct KeyedEntries<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: MessageWriter
    let container: MessageWriter.Handle

    var codingPath: [any CodingKey] { writer.codingPath(of: container) }

    @inline(__always)
    private func begin(_ key: Key) throws {
        try writer.requireSuccess()
        _ = writer.beginEntry(key.stringValue, in: container)
    }

    private func beginPlace(_ key: String) -> MessageWriter.Handle {
        let entry = writer.beginEntry(key, in: container)
        return writer.push(entryStart: entry.start, component: entry.component)
    }

    func encodeNil(forKey key: Key) throws {
        try begin(key)
        writer.bytes.append(Tag.null)
    }

    @inline(__always)
    func encode(_ value: Bool, forKey key: Key) throws {
        try begin(key)
        writer.bytes.append(value ? Tag.true : Tag.false)
    }

    @inline(__always)
    func encode(_ value: String, forKey key: Key) throws {
        try begin(key)
        writer.write(value)
    }

    @inline(__always)
    func encode(_ value: Double, forKey key: Key) throws {
        try begin(key)
        writer.bytes.appendDouble(value)
    }

    @inline(__always)
    func encode(_ value: Float, forKey key: Key) throws {
        try begin(key)
        writer.bytes.appendFloat(value)
    }

    @inline(__always)
    func encode<I: FixedWidthInteger & Encodable>(_ value: I, forKey key: Key) throws {
        try begin(key)
        writer.bytes.appendInteger(value)
    }

    @inline(__always)
    func encode(_ value: Int128, forKey key: Key) throws {
        try begin(key)
        writer.bytes.appendInteger(value)
    }

    @inline(__always)
    func encode(_ value: UInt128, forKey key: Key) throws {
        try begin(key)
        writer.bytes.appendInteger(value)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try writer.requireSuccess()
        let entry = writer.beginEntry(key.stringValue, in: container)
        try writer.write(value, entryStart: entry.start, component: entry.component)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        superEncoder(forKey: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        superEncoder(forKey: key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        ValueEncoder(writer: writer, place: beginPlace(PathKey.super))
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        ValueEncoder(writer: writer, place: beginPlace(key.stringValue))
    }
}

struct UnkeyedElements: UnkeyedEncodingContainer {
    let writer: MessageWriter
    let container: MessageWriter.Handle

    var codingPath: [any CodingKey] { writer.codingPath(of: container) }
    var count: Int { writer.count(of: container) }

    @inline(__always)
    private func begin() throws {
        try writer.requireSuccess()
        _ = writer.beginElement(in: container)
    }

    func encodeNil() throws {
        try begin()
        writer.bytes.append(Tag.null)
    }

    @inline(__always)
    func encode(_ value: Bool) throws {
        try begin()
        writer.bytes.append(value ? Tag.true : Tag.false)
    }

    @inline(__always)
    func encode(_ value: String) throws {
        try begin()
        writer.write(value)
    }

    @inline(__always)
    func encode(_ value: Double) throws {
        try begin()
        writer.bytes.appendDouble(value)
    }

    @inline(__always)
    func encode(_ value: Float) throws {
        try begin()
        writer.bytes.appendFloat(value)
    }

    @inline(__always)
    func encode<I: FixedWidthInteger & Encodable>(_ value: I) throws {
        try begin()
        writer.bytes.appendInteger(value)
    }

    @inline(__always)
    func encode(_ value: Int128) throws {
        try begin()
        writer.bytes.appendInteger(value)
    }

    @inline(__always)
    func encode(_ value: UInt128) throws {
        try begin()
        writer.bytes.appendInteger(value)
    }

    func encode<T: Encodable>(_ value: T) throws {
        try writer.requireSuccess()
        let entry = writer.beginElement(in: container)
        try writer.write(value, entryStart: entry.start, component: entry.component)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        superEncoder().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        superEncoder().unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        let entry = writer.beginElement(in: container)
        return ValueEncoder(writer: writer, place: writer.push(entryStart: entry.start, component: entry.component))
    }
}
