/// What is registered, by whom, and how often.
struct ResourceRegistry {
    struct Key: Hashable {
        let kind: ResourceKind
        let name: [UInt8]

        func hash(into hasher: inout Hasher) {
            // The kinds of one name are few: the comparison tells them apart.
            name.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    /// Those who hold a resource, each with its number of references. Nearly always there is one.
    private struct Holders {
        var first: (owner: UInt32, count: UInt32)
        var others: [UInt32: UInt32] = [:]

        subscript(owner: UInt32) -> UInt32 {
            get { first.owner == owner ? first.count : others.isEmpty ? 0 : others[owner] ?? 0 }
            set {
                if first.owner == owner {
                    first.count = newValue
                } else {
                    others[owner] = newValue == 0 ? nil : newValue
                }
            }
        }

        var isEmpty: Bool { first.count == 0 && others.isEmpty }

        var all: [(owner: UInt32, count: UInt32)] {
            (first.count == 0 ? [] : [first]) + others.map { ($0.key, $0.value) }
        }
    }

    enum Drop {
        case last, kept, unknown
    }

    /// The owner of what came without one: peers share a channel.
    static let peers: UInt32 = 0

    private var entries: [Key: Holders] = [:]

    var count: Int { entries.count }

    /// Adds references. Returns whether this owner had some before.
    mutating func register(_ key: Key, owner: UInt32, count: UInt32) -> Bool {
        var isRepeated = false
        let update = { (holders: inout Holders?) in
            if holders == nil {
                holders = Holders(first: (owner, count))
            } else {
                let before = holders![owner]
                isRepeated = before > 0
                holders![owner] = before &+ count
            }
        }
        update(&entries[key])
        return isRepeated
    }

    /// Forgets a resource, whoever holds it. Returns whether it was known.
    mutating func unregister(_ key: Key) -> Bool {
        entries.removeValue(forKey: key) != nil
    }

    /// Drops a reference: the owner's own, else the peers', else that of whoever has most, who took it for this one.
    mutating func drop(_ key: Key, owner: UInt32) -> Drop {
        guard var holders = entries[key] else { return .unknown }
        let holder =
            [owner, Self.peers].first { holders[$0] > 0 }
            ?? holders.all.max { ($0.count, $1.owner) < ($1.count, $0.owner) }!.owner
        holders[holder] -= 1
        entries[key] = holders.isEmpty ? nil : holders
        return holders.isEmpty ? .last : .kept
    }

    /// Drops a reference of the owner's own. Returns whether it had one.
    mutating func withdraw(_ key: Key, owner: UInt32) -> Bool {
        guard var holders = entries[key], holders[owner] > 0 else { return false }
        holders[owner] -= 1
        entries[key] = holders.isEmpty ? nil : holders
        return true
    }

    /// Drops all references of an owner. Returns what nobody holds any more.
    mutating func end(owner: UInt32) -> [Key] {
        var left: [Key] = []
        for (key, holders) in entries where holders[owner] > 0 {
            var holders = holders
            holders[owner] = 0
            entries[key] = holders.isEmpty ? nil : holders
            if holders.isEmpty { left.append(key) }
        }
        return left
    }

    /// Forgets and returns everything that is left.
    mutating func takeAll() -> [Key] {
        defer { entries = [:] }
        return Array(entries.keys)
    }

    /// Calls `body` for each owner of each resource.
    func visit(_ body: (Key, _ owner: UInt32, _ count: UInt32) -> Void) {
        for (key, holders) in entries {
            for (owner, count) in holders.all { body(key, owner, count) }
        }
    }
}
