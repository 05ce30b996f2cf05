// Keyed containers. Values are nearly always asked for in the order they were written, so the next entry is looked at first. For the rest a
// small container is searched and a large one indexed, once, so that no message can make it slow.

extension Scope {
    /// Above this many entries a container gets an index when it is first searched.
    private static let fewEntries = 32

    /// Checks all entries of a container that was just opened.
    func readEntries() throws(WireError) {
        let wire = reader.wire
        let known = reader.keyCount
        var offset = start
        var last = -1
        var keysRise = true
        while offset < end {
            let key = try wire.key(at: &offset, limit: end, known: known)
            let isLong = try reader.claimIfLong(key, owner: start)
            keysRise = keysRise && key > last && !isLong
            last = key
            offset = try wire.value(at: offset, limit: end).end
            entryCount &+= 1
        }
        if !keysRise { try reader.requireNoRepeatedKey(from: start, to: end) }
    }

    /// Where the value for a key begins and the key's index; nil if there is none.
    @inline(__always)
    func find(_ key: String) -> (offset: Int, component: Int)? {
        var key = key
        return key.withUTF8 { utf8 in
            let utf8 = UnsafeRawBufferPointer(utf8)
            if nextEntry < end, let entry = entry(at: nextEntry), reader.isKey(entry.key, utf8) {
                foundKey = entry.key
                foundValue = entry.value
                nextEntry = entry.end
                return (entry.value, entry.key)
            }
            // `decodeIfPresent` asks three times: whether it is there, whether it is nil, and what it is.
            if foundKey >= 0, reader.isKey(foundKey, utf8) { return (foundValue, foundKey) }
            return search(utf8)
        }
    }

    /// An entry, which `readEntries` found to be whole: nil only if the bytes have changed since, as shared memory can.
    @inline(__always)
    private func entry(at offset: Int) -> (key: Int, value: Int, end: Int)? {
        var value = offset
        do throws(WireError) {
            let key = try reader.wire.key(at: &value, limit: end, known: reader.keyCount)
            return (key, value, try reader.wire.value(at: value, limit: end).end)
        } catch {
            return nil
        }
    }

    @inline(never)
    private func search(_ name: UnsafeRawBufferPointer) -> (offset: Int, component: Int)? {
        guard entryCount > 0, let key = reader.index(ofKey: name), let start = offset(ofKey: key),
            let entry = entry(at: start)
        else { return nil }
        foundKey = key
        foundValue = entry.value
        nextEntry = entry.end
        return (entry.value, key)
    }

    private func offset(ofKey key: Int) -> Int? {
        if entryCount <= Self.fewEntries {
            var offset = start
            while offset < end, let entry = entry(at: offset) {
                if reader.canonicalKey(entry.key) == key { return offset }
                offset = entry.end
            }
            return nil
        }
        if offsets == nil {
            var all: [Int: Int] = [:]
            all.reserveCapacity(entryCount)
            var offset = start
            while offset < end, let entry = entry(at: offset) {
                all[reader.canonicalKey(entry.key)] = offset
                offset = entry.end
            }
            offsets = all
        }
        return offsets?[key]
    }

    /// Calls `body` with each key's index, in the order they were written.
    func forEachKey(_ body: (Int) -> Void) {
        var offset = start
        while offset < end, let entry = entry(at: offset) {
            body(entry.key)
            offset = entry.end
        }
    }
}
