struct DecodedEntries<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let scope: Scope

    var codingPath: [any CodingKey] { scope.containerPath }

    var allKeys: [Key] {
        var keys: [Key] = []
        scope.forEachKey { index in
            if let key = Key(stringValue: scope.reader.keyString(index)) { keys.append(key) }
        }
        return keys
    }

    func contains(_ key: Key) -> Bool {
        scope.find(key.stringValue) != nil
    }

    @inline(__always)
    private func find(_ key: Key) throws -> (offset: Int, component: Int) {
        guard let found = scope.find(key.stringValue) else { throw notFound(key) }
        return found
    }

    @inline(never)
    private func notFound(_ key: any CodingKey) -> DecodingError {
        let description = "There is no value for the key \"\(key.stringValue)\"."
        return .keyNotFound(key, .init(codingPath: codingPath, debugDescription: description))
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        scope.isNil(at: try find(key).offset)
    }

    @inline(__always)
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        let place = try find(key)
        return try scope.bool(at: place.offset, component: place.component).0
    }

    @inline(__always)
    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        let place = try find(key)
        return try scope.string(at: place.offset, component: place.component).0
    }

    @inline(__always)
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        let place = try find(key)
        return try scope.double(at: place.offset, component: place.component).0
    }

    @inline(__always)
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        let place = try find(key)
        return try scope.float(at: place.offset, component: place.component).0
    }

    @inline(__always)
    func decode<I: FixedWidthInteger & Decodable>(_ type: I.Type, forKey key: Key) throws -> I {
        let place = try find(key)
        return try scope.integer(type, at: place.offset, component: place.component).0
    }

    @inline(__always)
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
        let place = try find(key)
        return try scope.integer(type, at: place.offset, component: place.component).0
    }

    @inline(__always)
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
        let place = try find(key)
        return try scope.integer(type, at: place.offset, component: place.component).0
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        let place = try find(key)
        return try scope.decode(type, at: place.offset, component: place.component)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder(forKey: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try superDecoder(forKey: key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        let key = PathKey(stringValue: PathKey.super)
        guard let place = scope.find(key.stringValue) else { throw notFound(key) }
        return ValueDecoder(scope: scope, offset: place.offset, component: place.component)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        let place = try find(key)
        return ValueDecoder(scope: scope, offset: place.offset, component: place.component)
    }
}

/// A copy of it goes on by itself. After an error it is still before the element in question.
struct DecodedElements: UnkeyedDecodingContainer {
    let scope: Scope
    private var offset: Int
    private(set) var currentIndex = 0

    init(scope: Scope) {
        self.scope = scope
        offset = scope.start
    }

    var codingPath: [any CodingKey] { scope.containerPath }
    var count: Int? { scope.count }
    var isAtEnd: Bool { offset >= scope.end }

    @inline(__always)
    private func requireElement(_ type: Any.Type) throws {
        if isAtEnd { throw noElement(type) }
    }

    @inline(never)
    private func noElement(_ type: Any.Type) -> DecodingError {
        let description = "Expected \(type), found the end of the container after \(currentIndex) elements."
        return .valueNotFound(type, .init(codingPath: scope.path(currentIndex), debugDescription: description))
    }

    @inline(__always)
    private mutating func advance(to end: Int) {
        offset = end
        currentIndex &+= 1
    }

    @inline(__always)
    private mutating func next<T>(_ read: (Scope, Int, Int) throws -> (T, end: Int)) throws -> T {
        try requireElement(T.self)
        let (value, end) = try read(scope, offset, currentIndex)
        advance(to: end)
        return value
    }

    mutating func decodeNil() throws -> Bool {
        try requireElement(Never?.self)
        guard scope.isNil(at: offset) else { return false }
        advance(to: offset + 1)
        return true
    }

    @inline(__always)
    mutating func decode(_ type: Bool.Type) throws -> Bool {
        try next { try $0.bool(at: $1, component: $2) }
    }

    @inline(__always)
    mutating func decode(_ type: String.Type) throws -> String {
        try next { try $0.string(at: $1, component: $2) }
    }

    @inline(__always)
    mutating func decode(_ type: Double.Type) throws -> Double {
        try next { try $0.double(at: $1, component: $2) }
    }

    @inline(__always)
    mutating func decode(_ type: Float.Type) throws -> Float {
        try next { try $0.float(at: $1, component: $2) }
    }

    @inline(__always)
    mutating func decode<I: FixedWidthInteger & Decodable>(_ type: I.Type) throws -> I {
        try next { try $0.integer(type, at: $1, component: $2) }
    }

    @inline(__always)
    mutating func decode(_ type: Int128.Type) throws -> Int128 {
        try next { try $0.integer(type, at: $1, component: $2) }
    }

    @inline(__always)
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 {
        try next { try $0.integer(type, at: $1, component: $2) }
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try requireElement(type)
        let end = try scope.value(at: offset, component: currentIndex).end
        let value = try scope.decode(type, at: offset, component: currentIndex)
        advance(to: end)
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try nextDecoder { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try nextDecoder { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder {
        try nextDecoder { $0 }
    }

    private mutating func nextDecoder<T>(_ body: (ValueDecoder) throws -> T) throws -> T {
        try requireElement((any Decoder).self)
        let end = try scope.value(at: offset, component: currentIndex).end
        let result = try body(ValueDecoder(scope: scope, offset: offset, component: currentIndex))
        advance(to: end)
        return result
    }
}
