import FDPassing
import Syscalls

/// What runs in the tracker: reads commands in rounds, and carries them out in the order in which they were sent.
///
/// A round takes note of the time, reads what is there, and carries out what was sent before that time: whatever led to
/// one of these commands was sent earlier still, and so has been read too. The rest waits for the next round.
final class TrackerServer {
    private var door: Door?
    private let keeperSocket: OwnedFileDescriptor
    private var keeper: KeeperChannel?
    private let journal: TrackerJournal
    private var owners: [TrackedOwner] = []
    private var lastOwner: UInt32 = ResourceRegistry.peers
    private var lines = LineDecoder()
    /// Peers' lines that were read in one round, and wait for the next: they carry no time.
    private var heldLines: [PeerLine] = []
    /// Those whose end the keeper has not been told of yet.
    private var untoldEnds: [UInt32] = []
    private var executor: CommandExecutor
    /// Whether there is something to do at once.
    private var isBusy = true

    init(door: consuming OwnedFileDescriptor, keeper: consuming OwnedFileDescriptor, journal: TrackerJournal) {
        self.door = Door(socket: door)
        keeperSocket = consume keeper
        self.keeper = KeeperChannel(socket: keeperSocket.descriptor)
        self.journal = journal
        executor = CommandExecutor(journal: journal)
    }

    /// Serves until nobody is left who could send a command, then removes what is left. Returns the exit code.
    func serve() throws(Errno) -> TrackerProcess.ExitCode {
        takeBackOwners()
        let recovered = try executor.recover(try journal.recover(), owners: owners)
        lastOwner = max(lastOwner, recovered)
        try journal.compact(executor.snapshot(owners), room: roomForRound)
        _ = sendToKeeper(.ready)
        while door != nil || !owners.isEmpty || !heldLines.isEmpty { try round() }
        executor.removeAllThatIsLeft()
        while !executor.removals.isEmpty {
            var entries = executor.removals.entries
            _ = try poll(&entries, until: executor.removals.deadline)
            executor.proceedWithRemovals()
        }
        // Nobody else is left to be kept waiting.
        tellLeaks(until: .after(.seconds(5)))
        return executor.exitCode
    }

    private func takeBackOwners() {
        while var message = keeper?.receive() {
            guard message.kind == .store else {
                if let limit = KeeperChannel.limit(in: message.bytes) { executor.limitRemovals(to: limit) }
                return
            }
            guard let pipe = message.descriptor.take() else { continue }
            let owner = TrackedOwner(id: message.owner, process: ProcessID(rawValue: message.process), pipe: pipe)
            owner.isStored = true
            owners.append(owner)
            lastOwner = max(lastOwner, message.owner)
        }
    }

    // MARK: Rounds

    /// How long commands may gather in the pipes: less than it takes to fill one.
    private static let pause = Duration.microseconds(200)

    /// What the journal needs for a round in which everybody has much to say.
    private var roomForRound: Int { (owners.count + 4) * TrackerJournal.mostBytesAChunk }

    private func round() throws(Errno) {
        if !isBusy {
            var entries = entries
            _ = try poll(&entries, until: executor.removals.deadline)
        }
        // Nobody waits for an answer, but a pipe that was emptied at once would have its writer wake this process up again
        // with the very next command: on the same processor that takes longer than all the rest.
        Deadline.after(Self.pause).sleep()
        if journal.room < roomForRound { try journal.compact(executor.snapshot(owners), room: roomForRound) }
        let heldBefore = heldLines
        heldLines = []
        let limit = TrackerRecord.now
        var entries = entries
        _ = try poll(&entries, until: .now)
        let doorCount = door == nil ? 0 : 1
        let known = owners.count
        if doorCount == 1, !entries[0].readiness.isEmpty { readDoor() }
        // A registration is never too early; anything else might undo what was read only now.
        if heldBefore.isEmpty {
            let registrations = heldLines.prefix { if case .register = $0 { true } else { false } }
            for line in registrations { executor.carryOut(line, at: limit) }
            heldLines.removeFirst(registrations.count)
        }
        var sources: [TrackedOwner] = []
        var hasRead = !heldLines.isEmpty
        for (index, owner) in owners.enumerated() {
            // Whoever has just come may have said something already.
            let isReady = index >= known || !entries[doorCount + index].readiness.isEmpty
            if isReady, owner.endTime == nil, journal.room >= TrackerJournal.mostBytesAChunk {
                if owner.pending.isEmpty, !owner.isDeaf, owners.count == 1 {
                    // By far the most frequent case: nothing has to be put in order, and nothing copied.
                    hasRead = readAndExecute(owner, limit) || hasRead
                    continue
                }
                hasRead = read(owner) || hasRead
            }
            if !owner.pending.isEmpty { sources.append(owner) }
        }
        executor.execute(sources, until: limit)
        for line in heldBefore { executor.carryOut(line, at: limit) }
        journal.executedTime = limit
        endOwners(until: limit)
        executor.proceedWithRemovals()
        tellKeeper()
        isBusy = hasRead || owners.contains { $0.endTime != nil || ($0.hasWholeRecord && !$0.isDeaf) }
    }

    private var entries: [PollEntry] {
        var entries: [PollEntry] = []
        entries.reserveCapacity(owners.count + 8)
        if let door { entries.append(PollEntry(door.socket.descriptor, .readable)) }
        for owner in owners { entries.append(PollEntry(owner.pipe.descriptor, .readable)) }
        return entries + executor.removals.entries
    }

    /// Reads what an owner has sent. Returns whether there was something.
    private func read(_ owner: TrackedOwner) -> Bool {
        guard let bytes = readChunk(owner) else { return false }
        if !owner.isDeaf { owner.pending += bytes }
        return true
    }

    private func readAndExecute(_ owner: TrackedOwner, _ limit: UInt64) -> Bool {
        guard let bytes = readChunk(owner) else { return false }
        let executed = executor.execute(bytes, of: owner, until: limit)
        owner.pending += bytes[executed...]
        return true
    }

    /// `nil` when there was nothing. An end is something.
    private func readChunk(_ owner: TrackedOwner) -> UnsafeRawBufferPointer? {
        do throws(Errno) {
            let bytes = try journal.read(from: owner.pipe.descriptor, owner: owner.id)
            if bytes.isEmpty { owner.endTime = TrackerRecord.now }
            return bytes
        } catch {
            if error != .resourceTemporarilyUnavailable { owner.endTime = TrackerRecord.now }
            return error == .resourceTemporarilyUnavailable ? nil : UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }

    private func endOwners(until limit: UInt64) {
        for owner in owners where owner.endTime.map({ $0 <= limit }) ?? false {
            executor.end(owner)
            if owner.isStored { untoldEnds.append(owner.id) }
        }
        owners.removeAll { $0.endTime.map { $0 <= limit } ?? false }
    }

    // MARK: The door

    /// How many messages are read at a time; should there be more, they have to wait for the next round.
    private static let mostMessages = 200

    /// Reads peers' lines, and takes in processes that introduce themselves.
    private func readDoor() {
        for _ in 0..<Self.mostMessages {
            guard let door, readMessage(door.socket.descriptor) else { return }
        }
    }

    /// Returns whether there was something.
    private func readMessage(_ socket: FileDescriptor) -> Bool {
        var batch = DescriptorBatch()
        let bytes: [UInt8]
        do throws(FDPassingError) {
            // Only looked at: should this process be killed before it has passed a pipe on to the keeper, the next one finds
            // it here.
            bytes = try FileDescriptor.array(capacity: 65536) { buffer throws(FDPassingError) in
                try socket.receive(into: buffer, descriptors: &batch, limit: 1, waiting: false, peeking: true)
            }
        } catch {
            if error == .system(.resourceTemporarilyUnavailable) { return false }
            executor.complainOfBadCommand("a process could not be taken in: \(error)")
            // Descriptors that cannot be had are dropped by this.
            if (try? consume(upTo: 1, from: socket)) ?? 0 == 0 { door = nil }
            return true
        }
        if bytes.isEmpty {
            door = nil
            return false
        }
        var parsed: [PeerLine] = []
        lines.append(bytes) { line in
            if let command = line.flatMap({ PeerLine(parsing: $0) }) { return parsed.append(command) }
            let shown = line.map { Complaints.shown(Array($0)) } ?? "a line of over \(PeerLine.longest) bytes"
            executor.complainOfBadCommand("not understood and passed over: \(shown)")
        }
        for line in parsed {
            if case .attach(let process) = line {
                takeIn(ProcessID(rawValue: process), batch.takeNext())
            } else if line != .probe {
                heldLines.append(line)
            }
        }
        _ = try? consume(upTo: bytes.count, from: socket)
        return true
    }

    /// Takes bytes away that were looked at, and the descriptors beside them.
    private func consume(upTo count: Int, from socket: FileDescriptor) throws(Errno) -> Int {
        try FileDescriptor.array(capacity: count) { buffer throws(Errno) in
            try socket.receive(into: buffer, waiting: false)
        }.count
    }

    private func takeIn(_ process: ProcessID, _ received: consuming OwnedFileDescriptor?) {
        guard let received, let pipe = TrackedOwner.nonBlockingPipe(received) else {
            return executor.complainOfBadCommand("process \(process) came without a pipe to read from")
        }
        let owner = TrackedOwner(id: lastOwner + 1, process: process, pipe: pipe)
        // A tracker that was killed had taken it in already.
        if owners.contains(where: { $0.identity == owner.identity }) { return }
        lastOwner += 1
        owners.append(owner)
        store(owner)
    }

    // MARK: The keeper

    private func tellKeeper() {
        if keeper == nil { return }
        for owner in owners where !owner.isStored { store(owner) }
        while let ended = untoldEnds.first, sendToKeeper(.forget, owner: ended) { untoldEnds.removeFirst() }
        tellLeaks(until: .now)
    }

    private func store(_ owner: TrackedOwner) {
        owner.isStored = sendToKeeper(
            .store, owner: owner.id, process: owner.process.rawValue, passing: owner.pipe.descriptor)
    }

    private func tellLeaks(until deadline: Deadline) {
        while let leak = executor.leaks.first {
            guard sendToKeeper(.leak, process: leak.owner?.rawValue ?? 0, bytes: leak.encoded, until: deadline)
            else { return }
            executor.leaks.removeFirst()
        }
    }

    private func sendToKeeper(
        _ kind: KeeperChannel.Kind, owner: UInt32 = 0, process: Int32 = 0, bytes: [UInt8] = [],
        passing descriptor: FileDescriptor? = nil, until deadline: Deadline = .now
    ) -> Bool {
        if keeper == nil { return false }
        do throws(Errno) {
            return try keeper!.send(
                kind, owner: owner, process: process, bytes: bytes, passing: descriptor, until: deadline)
        } catch {
            // The process that would start this one again is gone itself.
            keeper = nil
            return false
        }
    }
}

/// Where peers write lines, and processes introduce themselves. A class can give it up.
private final class Door {
    let socket: OwnedFileDescriptor

    init(socket: consuming OwnedFileDescriptor) {
        self.socket = socket
    }
}

extension TrackedOwner {
    /// Whether something is left that waits for its time, and not for the rest of itself.
    fileprivate var hasWholeRecord: Bool {
        pending.withUnsafeBytes { bytes in
            if case .partial = TrackerRecord.length(at: bytes) { false } else { !bytes.isEmpty }
        }
    }
}
