/// Finds a key's index in the table by its bytes: a hash table of indices.
///
/// Not `Dictionary<String, Int>`: strings that are canonically equivalent are equal, but here they are different keys. The hash is
/// the standard library's seeded one, so that nobody can choose keys that collide.
struct KeyIndex {
    private var slots: [(hash: Int, index: Int)]
    private var used = 0

    init() {
        slots = Array(repeating: (0, -1), count: 32)
    }

    static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize()
    }

    static func hash(_ key: String) -> Int {
        var key = key
        return key.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
    }

    /// The index of the key with this hash for which `isEqual` holds.
    @inline(__always)
    func find(_ hash: Int, isEqual: (Int) -> Bool) -> Int? {
        var position = hash & (slots.count - 1)
        while slots[position].index >= 0 {
            if slots[position].hash == hash, isEqual(slots[position].index) { return slots[position].index }
            position = (position + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Adds a key that is not in it.
    mutating func insert(_ hash: Int, index: Int) {
        if 2 * used >= slots.count {
            let old = slots
            slots = Array(repeating: (0, -1), count: 2 * old.count)
            for slot in old where slot.index >= 0 { place(slot) }
        }
        place((hash, index))
        used += 1
    }

    private mutating func place(_ slot: (hash: Int, index: Int)) {
        var position = slot.hash & (slots.count - 1)
        while slots[position].index >= 0 {
            position = (position + 1) & (slots.count - 1)
        }
        slots[position] = slot
    }
}

/// Tells whether a keyed container has a key twice, in one pass and without a set per container.
struct RepeatedKeys {
    /// For each key of the table, the check in which it was last seen.
    private var lastSeen: [Int] = []
    private var check = 0

    /// Throws if a key occurs twice between `start` and `end`.
    ///
    /// - Parameter canonical: The first index of the key that an index stands for.
    mutating func check(
        _ wire: Wire, from start: Int, to end: Int, known: Int, canonical: (Int) -> Int
    ) throws(WireError) {
        if lastSeen.count < known {
            lastSeen.append(contentsOf: repeatElement(0, count: known - lastSeen.count))
        }
        check += 1
        var offset = start
        while offset < end {
            let entry = offset
            let key = canonical(try wire.key(at: &offset, limit: end, known: known))
            guard lastSeen[key] != check else { throw .repeatedKey(index: key, offset: entry) }
            lastSeen[key] = check
            offset = try wire.value(at: offset, limit: end).end
        }
    }
}

/// The keys of a message that is being written.
struct KeyTable {
    private var keys: [Key] = []
    private var index: KeyIndex?
    private var last = 0

    private struct Key {
        var string: String
        var length: Int
        /// Its first eight bytes: they tell most keys apart.
        var head: UInt64
        /// The key that followed this one last time. Messages repeat themselves, so that this guess is nearly always right.
        var successor: Int
        /// The first index at which the table has this key: its own, unless it is long.
        var canonical: Int
    }

    /// Above this many keys a hash is cheaper than to look at each.
    private static let fewKeys = 8

    /// The index of a key, which is added if it is not there or may not be shared.
    @inline(__always)
    mutating func index(of key: String) -> Int {
        if last < keys.count {
            let guess = keys[last].successor
            if guess < keys.count, hasSameBits(keys[guess].string, key), !isLong(guess) {
                last = guess
                return guess
            }
        }
        return search(key)
    }

    @inline(never)
    private mutating func search(_ key: String) -> Int {
        var string = key
        let found = string.withUTF8 { utf8 in
            let utf8 = UnsafeRawBufferPointer(utf8)
            let head = Self.head(of: utf8)
            let known = find(utf8, head)
            if let known, !isLong(known) { return known }
            return add(key, utf8, head, canonical: known)
        }
        if last < keys.count { keys[last].successor = found }
        last = found
        return found
    }

    private static func head(of utf8: UnsafeRawBufferPointer) -> UInt64 {
        if utf8.count >= 8 { return utf8.loadUnaligned(as: UInt64.self) }
        return utf8.reduce(0) { $0 << 8 | UInt64($1) }
    }

    @inline(__always)
    private func find(_ utf8: UnsafeRawBufferPointer, _ head: UInt64) -> Int? {
        if let index { return index.find(KeyIndex.hash(utf8)) { matches(keys[$0], utf8, head) } }
        for number in keys.indices where matches(keys[number], utf8, head) { return number }
        return nil
    }

    @inline(__always)
    private func matches(_ key: Key, _ utf8: UnsafeRawBufferPointer, _ head: UInt64) -> Bool {
        guard key.head == head, key.length == utf8.count else { return false }
        return utf8.count <= 8 || isSameText(key.string, utf8)
    }

    @inline(never)
    private func isSameText(_ string: String, _ utf8: UnsafeRawBufferPointer) -> Bool {
        var string = string
        return string.withUTF8 { text in
            guard let start = text.baseAddress, let other = utf8.baseAddress else { return true }
            return isSame(start, other, count: utf8.count)
        }
    }

    private mutating func add(_ key: String, _ utf8: UnsafeRawBufferPointer, _ head: UInt64, canonical: Int?) -> Int {
        let added = keys.count
        if added == 0 { keys.reserveCapacity(Self.fewKeys) }
        keys.append(
            Key(
                string: key, length: utf8.count, head: head, successor: added + 1, canonical: canonical ?? added))
        if canonical != nil { return added }
        if index != nil {
            index?.insert(KeyIndex.hash(utf8), index: added)
        } else if keys.count > Self.fewKeys {
            index = KeyIndex()
            for (number, key) in keys.enumerated() where key.canonical == number {
                index?.insert(KeyIndex.hash(key.string), index: number)
            }
        }
        return added
    }

    /// Whether two strings are the same piece of memory, or short and the same: true only for equal ones, and for all that come from the
    /// same `CodingKeys`.
    @inline(__always)
    private func hasSameBits(_ first: String, _ second: String) -> Bool {
        unsafeBitCast(first, to: (UInt64, UInt64).self) == unsafeBitCast(second, to: (UInt64, UInt64).self)
    }

    var count: Int { keys.count }

    func string(_ index: Int) -> String { keys[index].string }

    func canonical(_ index: Int) -> Int { keys[index].canonical }

    @inline(__always)
    func isLong(_ index: Int) -> Bool { keys[index].length > Tag.longestSharedKey }

    /// Appends the table as it follows the value: how many keys, and each key's length and bytes.
    func append(to bytes: inout [UInt8]) {
        bytes.appendVarint(keys.count)
        for key in keys {
            var string = key.string
            string.withUTF8 { utf8 in
                if utf8.count <= 247 {
                    bytes.appendText(UnsafeRawBufferPointer(utf8), after: UInt8(utf8.count))
                } else {
                    bytes.appendVarint(utf8.count)
                    bytes.append(contentsOf: UnsafeRawBufferPointer(utf8))
                }
            }
        }
    }
}

/// A key or an index in a `codingPath`.
struct PathKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = "Index \(intValue)"
        self.intValue = intValue
    }

    static let `super` = "super"
}
