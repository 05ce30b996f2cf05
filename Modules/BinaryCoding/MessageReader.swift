/// A message being decoded: its bytes and the table of its keys.
///
/// `@exclusivity(unchecked)` for the reason given at ``MessageWriter``.
final class MessageReader {
    private let storage: Wire
    @exclusivity(unchecked) private var isOpen = true
    @exclusivity(unchecked) private var keys: [Key] = []
    @exclusivity(unchecked) private var keyIndex: KeyIndex?
    @exclusivity(unchecked) private var keyStrings: [String?] = []
    private var repeatedKeys = RepeatedKeys()
    let limits: BinaryDecoder.Limits
    /// How many `init(from:)` are running inside each other.
    @exclusivity(unchecked) var depth = 0
    private let sendableUserInfo: [CodingUserInfoKey: any Sendable]
    private(set) lazy var userInfo: [CodingUserInfoKey: Any] = sendableUserInfo

    private struct Key {
        var start: Int
        var length: Int
        /// The first index at which the table has this key: its own, unless it is long.
        var canonical: Int
        /// For a long key: where the container that has it begins.
        var owner: Int?
    }

    /// Above this many keys a hash is cheaper than to look at each.
    private static let fewKeys = 8

    init(_ wire: Wire, limits: BinaryDecoder.Limits, userInfo: [CodingUserInfoKey: any Sendable]) {
        storage = wire
        self.limits = limits
        sendableUserInfo = userInfo
    }

    /// The bytes, which belong to the caller of `decode` and are gone when it returns.
    @inline(__always)
    var wire: Wire {
        guard isOpen else {
            preconditionFailure(
                "A decoder or decoding container was used after the call of `decode` it came from had returned.")
        }
        return storage
    }

    /// Reads the message as one value.
    func readMessage<T: Decodable>(_ type: T.Type) throws -> T {
        defer { isOpen = false }
        do throws(WireError) {
            try readKeys(after: storage.value(at: 0, limit: storage.count).end)
        } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: error.description))
        }
        return try Scope(reader: self).decode(type, at: 0, component: 0)
    }

    func tooDeep(_ path: [any CodingKey]) -> DecodingError {
        .dataCorrupted(
            .init(
                codingPath: path,
                debugDescription: "Values are nested more than \(limits.depth) deep, which is the limit."))
    }

    // MARK: Keys

    var keyCount: Int { keys.count }

    private func readKeys(after end: Int) throws(WireError) {
        var offset = end
        let count = try storage.varint(at: &offset, limit: storage.count)
        // A key costs a byte at least; the table is grown as they are found all the same.
        guard count <= UInt64(storage.count - offset) else {
            throw .truncated(offset: offset, needed: count, available: storage.count - offset)
        }
        if count > 0 { keys.reserveCapacity(Int(min(count, 8))) }
        for _ in 0..<Int(count) {
            let length = try storage.varint(at: &offset, limit: storage.count)
            guard length <= UInt64(storage.count - offset) else {
                throw .truncated(offset: offset, needed: length, available: storage.count - offset)
            }
            try addKey(at: offset, length: Int(length))
            offset += Int(length)
        }
        guard offset == storage.count else { throw .leftOver(offset: offset, count: storage.count - offset) }
    }

    private func addKey(at start: Int, length: Int) throws(WireError) {
        let bytes = storage.bytes(start, count: length)
        guard isUTF8(bytes) else { throw .notUTF8(offset: start) }
        let number = keys.count
        let known = index(ofKey: bytes)
        guard known == nil || length > Tag.longestSharedKey else { throw .repeatedName(offset: start) }
        keys.append(Key(start: start, length: length, canonical: known ?? number))
        if known != nil { return }
        if keyIndex != nil {
            keyIndex?.insert(KeyIndex.hash(bytes), index: number)
        } else if keys.count > Self.fewKeys {
            keyIndex = KeyIndex()
            for (number, key) in keys.enumerated() where key.canonical == number {
                keyIndex?.insert(KeyIndex.hash(storage.bytes(key.start, count: key.length)), index: number)
            }
        }
    }

    /// The first index of a key, or nil if no container of the message has it.
    func index(ofKey bytes: UnsafeRawBufferPointer) -> Int? {
        if let keyIndex { return keyIndex.find(KeyIndex.hash(bytes)) { isKey($0, bytes) } }
        for number in keys.indices where isKey(number, bytes) { return number }
        return nil
    }

    @inline(__always)
    func isKey(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let key = keys[index]
        guard key.length == bytes.count else { return false }
        guard let start = bytes.baseAddress else { return true }
        return isSame(wire.base + key.start, start, count: key.length)
    }

    @inline(__always)
    func canonicalKey(_ index: Int) -> Int { keys[index].canonical }

    /// Whether a key is long. If so, it belongs to the container that begins at `owner`, or to another one and that is an error.
    @inline(__always)
    func claimIfLong(_ index: Int, owner: Int) throws(WireError) -> Bool {
        guard keys[index].length > Tag.longestSharedKey else { return false }
        guard (keys[index].owner ?? owner) == owner else { throw .sharedLongKey(offset: owner) }
        keys[index].owner = owner
        return true
    }

    /// The key with this index. It is made once: containers that share a key share its memory.
    func keyString(_ index: Int) -> String {
        if keyStrings.isEmpty { keyStrings = Array(repeating: nil, count: keys.count) }
        if let known = keyStrings[index] { return known }
        let key = keys[index]
        let string = String(decoding: wire.bytes(key.start, count: key.length), as: UTF8.self)
        keyStrings[index] = string
        return string
    }

    func requireNoRepeatedKey(from start: Int, to end: Int) throws(WireError) {
        try repeatedKeys.check(wire, from: start, to: end, known: keys.count, canonical: canonicalKey)
    }
}

private func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    isASCII(bytes) || (try? UTF8Span(validating: bytes.bindMemory(to: UInt8.self).span)) != nil
}

@inline(__always)
private func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var offset = 0
    var all: UInt64 = 0
    while offset &+ 8 <= bytes.count {
        all |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset &+= 8
    }
    while offset < bytes.count {
        all |= UInt64(bytes[offset])
        offset &+= 1
    }
    return all & 0x8080_8080_8080_8080 == 0
}

/// The string that these bytes are, or nil if they are not UTF-8.
///
/// `String(validating:as:)` does the same, but for short strings most of its time goes to looking up generic types.
@inline(__always)
func string(validating bytes: UnsafeRawBufferPointer) -> String? {
    let bytes = bytes.bindMemory(to: UInt8.self)
    if isASCII(UnsafeRawBufferPointer(bytes)) { return String(decoding: bytes, as: UTF8.self) }
    guard let utf8 = try? UTF8Span(validating: bytes.span) else { return nil }
    return String(copying: utf8)
}
