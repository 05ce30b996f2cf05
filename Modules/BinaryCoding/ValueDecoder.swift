/// The decoder a value is handed, and the container of one that consists of a single other.
struct ValueDecoder: Decoder, SingleValueDecodingContainer {
    let scope: Scope
    let offset: Int
    let component: Int

    var codingPath: [any CodingKey] { scope.path(component) }
    var userInfo: [CodingUserInfoKey: Any] { scope.reader.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(DecodedEntries(scope: try scope.openKeyed(at: offset, component: component)))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        DecodedElements(scope: try scope.openUnkeyed(at: offset, component: component))
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool {
        scope.isNil(at: offset)
    }

    @inline(__always)
    func decode(_ type: Bool.Type) throws -> Bool {
        try scope.bool(at: offset, component: component).0
    }

    @inline(__always)
    func decode(_ type: String.Type) throws -> String {
        try scope.string(at: offset, component: component).0
    }

    @inline(__always)
    func decode(_ type: Double.Type) throws -> Double {
        try scope.double(at: offset, component: component).0
    }

    @inline(__always)
    func decode(_ type: Float.Type) throws -> Float {
        try scope.float(at: offset, component: component).0
    }

    // As for encoding, this is the protocol's `decode` of each integer type but the two for which it has a default.
    @inline(__always)
    func decode<I: FixedWidthInteger & Decodable>(_ type: I.Type) throws -> I {
        try scope.integer(type, at: offset, component: component).0
    }

    @inline(__always)
    func decode(_ type: Int128.Type) throws -> Int128 {
        try scope.integer(type, at: offset, component: component).0
    }

    @inline(__always)
    func decode(_ type: UInt128.Type) throws -> UInt128 {
        try scope.integer(type, at: offset, component: component).0
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try scope.decode(type, at: offset, component: component)
    }
}
