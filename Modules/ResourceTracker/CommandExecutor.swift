import Syscalls

/// Carries commands out, on the tracker's books and on the resources.
final class CommandExecutor {
    private let journal: TrackerJournal
    private var registry = ResourceRegistry()
    private var complaints = Complaints()
    private(set) var removals = RemovalProcesses()
    /// What was removed and its program has not been told of yet; bounded, since a program may not listen.
    var leaks: [LeakedResource] = []
    private static let mostUntoldLeaks = 10_000

    // Kept in the journal, so that a tracker that was started again ends with the same code.
    private static let leaksRemoved: UInt64 = 1
    private static let removalFailed: UInt64 = 2
    private static let badCommand: UInt64 = 4

    init(journal: TrackerJournal) {
        self.journal = journal
    }

    var exitCode: TrackerProcess.ExitCode {
        let flags = journal.flags
        if flags & Self.badCommand != 0 { return .badLine }
        if flags & Self.removalFailed != 0 { return .removalFailed }
        return flags & Self.leaksRemoved != 0 ? .leaksRemoved : .clean
    }

    func complainOfBadCommand(_ text: @autoclosure () -> String) {
        journal.flags |= Self.badCommand
        complaints.say(.badCommand, text())
    }

    // MARK: Commands

    /// Carries out the commands at the beginning of what an owner has sent. Returns how many bytes they took.
    func execute(_ bytes: UnsafeRawBufferPointer, of owner: TrackedOwner, until limit: UInt64) -> Int {
        var offset = 0
        while !owner.isDeaf {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            guard let length = wholeRecord(rest, of: owner) else { break }
            let record = UnsafeRawBufferPointer(rebasing: rest[..<length])
            if TrackerRecord.time(of: record) > limit, isStillToCome(record) { break }
            execute(record, of: owner.id, process: owner.process)
            offset += length
        }
        return owner.isDeaf ? bytes.count : offset
    }

    /// Carries out what several owners have sent, in the order in which they did. What is left stays pending.
    func execute(_ owners: [TrackedOwner], until limit: UInt64) {
        if owners.count == 1 {
            let owner = owners[0]
            let pending = owner.pending
            let executed = pending.withUnsafeBytes { execute($0, of: owner, until: limit) }
            owner.pending.removeFirst(min(executed, owner.pending.count))
            return
        }
        var records: [(time: UInt64, owner: Int, start: Int, length: Int)] = []
        for (index, owner) in owners.enumerated() {
            owner.pending.withUnsafeBytes { bytes in
                var offset = 0
                while let length = wholeRecord(UnsafeRawBufferPointer(rebasing: bytes[offset...]), of: owner) {
                    let record = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
                    let time = TrackerRecord.time(of: record)
                    if time > limit, isStillToCome(record) { break }
                    records.append((time, index, offset, length))
                    offset += length
                }
            }
        }
        records.sort { ($0.time, $0.owner, $0.start) < ($1.time, $1.owner, $1.start) }
        var ends = [Int](repeating: 0, count: owners.count)
        for (_, index, start, length) in records {
            let owner = owners[index]
            owner.pending.withUnsafeBytes { bytes in
                execute(
                    UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]), of: owner.id,
                    process: owner.process)
            }
            ends[index] = start + length
        }
        for (index, owner) in owners.enumerated() { owner.pending.removeFirst(ends[index]) }
        for owner in owners where owner.isDeaf { owner.pending = [] }
    }

    private func wholeRecord(_ bytes: UnsafeRawBufferPointer, of owner: TrackedOwner) -> Int? {
        if bytes.isEmpty { return nil }
        switch TrackerRecord.length(at: bytes) {
        case .whole(let length): return length
        case .partial: return nil
        case .invalid:
            owner.isDeaf = true
            complainOfBadCommand("process \(owner.process) sent what is no command; it is not listened to any more")
            return nil
        }
    }

    /// What says that it was sent after now has no right time, and is not waited for.
    private func isStillToCome(_ record: UnsafeRawBufferPointer) -> Bool {
        TrackerRecord.time(of: record) <= TrackerRecord.now
    }

    /// Carries out a peer's line.
    func carryOut(_ line: PeerLine, at time: UInt64) {
        let (operation, name, kind): (TrackerRecord.Operation, [UInt8], ResourceKind)
        switch line {
        case .register(let lineName, let lineKind): (operation, name, kind) = (.register, lineName, lineKind)
        case .unregister(let lineName, let lineKind): (operation, name, kind) = (.unregister, lineName, lineKind)
        case .maybeUnlink(let lineName, let lineKind): (operation, name, kind) = (.dropReference, lineName, lineKind)
        case .probe, .attach: return
        }
        let record = Self.record(operation, kind, name, count: 1, time: time)
        record.withUnsafeBytes { bytes in
            // When there is no room the next compaction has it; only a tracker killed before that would not know of it.
            if journal.room >= bytes.count + TrackerJournal.mostBytesAChunk {
                journal.append(bytes, owner: ResourceRegistry.peers)
            }
            execute(bytes, of: ResourceRegistry.peers, process: nil)
        }
    }

    private func execute(_ record: UnsafeRawBufferPointer, of owner: UInt32, process: ProcessID?) {
        guard let (operation, kind, name) = TrackerRecord.decode(record) else {
            return complainOfBadCommand("process \(process.map { "\($0)" } ?? "") sent a command that makes no sense")
        }
        let key = ResourceRegistry.Key(kind: kind, name: Array(name))
        switch operation {
        case .register:
            let isRepeated = registry.register(key, owner: owner, count: TrackerRecord.count(of: record))
            // Peers share their channel: to them it is another process's.
            if isRepeated, let process {
                complaints.say(
                    .registeredTwice, "process \(process) has registered \(kind) \(Complaints.shown(key.name)) again")
            }
        case .unregister:
            if !registry.unregister(key) { complainOfUnknown(key, process, "to be forgotten") }
        case .dropReference:
            switch registry.drop(key, owner: owner) {
            case .last:
                remove(key)
                journal.executedTime = TrackerRecord.time(of: record)
            case .kept: break
            case .unknown: complainOfUnknown(key, process, "of which a reference was to be dropped")
            }
        case .withdraw: _ = registry.withdraw(key, owner: owner)
        case .ownerEnded: complainOfBadCommand("process \(process.map { "\($0)" } ?? "") said that it has ended")
        }
    }

    private func complainOfUnknown(_ key: ResourceRegistry.Key, _ process: ProcessID?, _ what: String) {
        let who = process.map { "process \($0)" } ?? "a peer"
        complaints.say(
            .unknown, "\(who) named a \(key.kind) \(what) that is not registered: \(Complaints.shown(key.name))")
    }

    // MARK: Ends

    /// The owner is gone; what only it had goes too.
    func end(_ owner: TrackedOwner) {
        if !owner.pending.isEmpty, !owner.isDeaf {
            complainOfBadCommand("process \(owner.process) has ended in the middle of a command")
        }
        let record = Self.record(.ownerEnded, .file, [], count: 0, time: TrackerRecord.now)
        if journal.room >= record.count + TrackerJournal.mostBytesAChunk {
            record.withUnsafeBytes { journal.append($0, owner: owner.id) }
        }
        removeLeaked(registry.end(owner: owner.id), of: owner.process)
        journal.executedTime = TrackerRecord.now
    }

    func removeAllThatIsLeft() {
        removeLeaked(registry.takeAll(), of: nil)
    }

    private func removeLeaked(_ keys: [ResourceRegistry.Key], of process: ProcessID?) {
        if keys.isEmpty { return }
        journal.flags |= Self.leaksRemoved
        let sorted = keys.sorted {
            ($0.kind.builtin.rawValue, $0.kind.typeName) == ($1.kind.builtin.rawValue, $1.kind.typeName)
                ? $0.name.lexicographicallyPrecedes($1.name)
                : ($0.kind.builtin.rawValue, $0.kind.typeName) < ($1.kind.builtin.rawValue, $1.kind.typeName)
        }
        var rest = sorted[...]
        while let kind = rest.first?.kind {
            let same = rest.prefix { $0.kind == kind }
            rest = rest.dropFirst(same.count)
            let names = same.prefix(20).map { Complaints.shown($0.name) }.joined(separator: " ")
            let more = same.count > 20 ? " and \(same.count - 20) more" : ""
            let whose = process.map { " of process \($0)" } ?? ""
            Complaints.say("removing \(same.count) leaked \(kind) object(s)\(whose): \(names)\(more)")
        }
        for key in sorted {
            remove(key)
            if leaks.count < Self.mostUntoldLeaks {
                leaks.append(LeakedResource(kind: key.kind, nameBytes: key.name, owner: process))
            }
        }
    }

    private func remove(_ key: ResourceRegistry.Key) {
        if key.kind.takesProcess {
            removals.add(key)
            return proceedWithRemovals()
        }
        do { try key.kind.remove(key.name) } catch { noteFailure(key, "\(error)") }
    }

    /// Sets how long a removal that has a process of its own may take.
    func limitRemovals(to limit: Duration) { removals.timeLimit = limit }

    func proceedWithRemovals() {
        if removals.isEmpty { return }
        for failure in removals.proceed() { noteFailure(failure.key, failure.reason) }
    }

    private func noteFailure(_ key: ResourceRegistry.Key, _ reason: String) {
        journal.flags |= Self.removalFailed
        complaints.say(.other, "cannot remove \(key.kind) \(Complaints.shown(key.name)): \(reason)")
    }

    // MARK: The journal

    private static func record(
        _ operation: TrackerRecord.Operation, _ kind: ResourceKind, _ name: [UInt8], count: UInt32, time: UInt64
    ) -> [UInt8] {
        var record = [UInt8](repeating: 0, count: TrackerRecord.size(kind, nameCount: name.count))
        record.withUnsafeMutableBytes { bytes in
            name.withUnsafeBytes {
                TrackerRecord.encode(operation, kind, $0, count: count, time: time, into: bytes)
            }
        }
        return record
    }

    /// What is registered, and what was read but not carried out, by owner.
    func snapshot(_ owners: [TrackedOwner]) -> [(owner: UInt32, bytes: [UInt8])] {
        var chunks: [UInt32: [UInt8]] = [:]
        let time = journal.executedTime
        registry.visit { key, owner, count in
            chunks[owner, default: []] += Self.record(.register, key.kind, key.name, count: count, time: time)
        }
        // Behind the rest, since they came later; a record that was begun has to stay before the rest of itself.
        for owner in owners where !owner.pending.isEmpty { chunks[owner.id, default: []] += owner.pending }
        return chunks.map { ($0.key, $0.value) }
    }

    /// Takes up a killed tracker's books. Returns the highest number of an owner there.
    func recover(
        _ chunks: [(owner: UInt32, bytes: [UInt8])], owners: [TrackedOwner]
    ) throws(Errno) -> UInt32 {
        var streams: [UInt32: [UInt8]] = [:]
        for (owner, bytes) in chunks { streams[owner, default: []] += bytes }
        var records: [(time: UInt64, owner: UInt32, start: Int, length: Int)] = []
        for (owner, bytes) in streams {
            let used = bytes.withUnsafeBytes { bytes in
                var offset = 0
                while case .whole(let length) = TrackerRecord.length(
                    at: UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                {
                    let record = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
                    records.append((TrackerRecord.time(of: record), owner, offset, length))
                    offset += length
                }
                return offset
            }
            // The rest of a record that was begun is still in the pipe.
            owners.first { $0.id == owner }?.pending = Array(bytes[used...])
        }
        records.sort { ($0.time, $0.owner, $0.start) < ($1.time, $1.owner, $1.start) }
        let processes = [UInt32: ProcessID](uniqueKeysWithValues: owners.map { ($0.id, $0.process) })
        let executedTime = journal.executedTime
        for (time, owner, start, length) in records {
            streams[owner]!.withUnsafeBytes { bytes in
                let record = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
                if time <= executedTime { return note(record, of: owner) }
                guard let (operation, _, _) = TrackerRecord.decode(record) else { return }
                if operation == .ownerEnded {
                    removeLeaked(registry.end(owner: owner), of: processes[owner])
                } else {
                    execute(record, of: owner, process: processes[owner])
                }
            }
        }
        journal.executedTime = max(executedTime, records.last?.time ?? 0)
        return streams.keys.max() ?? 0
    }

    /// Does on the books what a command did that has had its effect.
    private func note(_ record: UnsafeRawBufferPointer, of owner: UInt32) {
        guard let (operation, kind, name) = TrackerRecord.decode(record) else { return }
        let key = ResourceRegistry.Key(kind: kind, name: Array(name))
        switch operation {
        case .register: _ = registry.register(key, owner: owner, count: TrackerRecord.count(of: record))
        case .unregister: _ = registry.unregister(key)
        case .dropReference: _ = registry.drop(key, owner: owner)
        case .withdraw: _ = registry.withdraw(key, owner: owner)
        case .ownerEnded: _ = registry.end(owner: owner)
        }
    }
}

extension LeakedResource {
    /// As the tracker tells its program.
    var encoded: [UInt8] {
        var record = [UInt8](repeating: 0, count: TrackerRecord.size(kind, nameCount: nameBytes.count))
        record.withUnsafeMutableBytes { bytes in
            nameBytes.withUnsafeBytes { TrackerRecord.encode(.unregister, kind, $0, time: 0, into: bytes) }
        }
        return record
    }

    init?(decoding bytes: [UInt8], owner: Int32) {
        let decoded = bytes.withUnsafeBytes { bytes -> (ResourceKind, [UInt8])? in
            guard case .whole(bytes.count) = TrackerRecord.length(at: bytes),
                let (_, kind, name) = TrackerRecord.decode(bytes)
            else { return nil }
            return (kind, Array(name))
        }
        guard let (kind, name) = decoded else { return nil }
        self.init(kind: kind, nameBytes: name, owner: owner == 0 ? nil : ProcessID(rawValue: owner))
    }
}
