import Syscalls

/// The tracker's memory, in files that outlive it: should it be killed, the next one reads here what is registered.
///
/// What arrives on a pipe is read straight into it, so that no command is lost between the pipe and the journal, at
/// whatever instruction the tracker is killed. There are two files. When the one in use is full, what still counts is
/// written to the other, which then takes its place; a half-written one has no generation, and does not count.
///
///     header:   generation 0, executed time 8, flags 16
///     chunks:   owner + 1: UInt32, length: UInt32 (0 while it is being read), time: UInt64, then the bytes
///     after the last chunk there is nothing but zeros
final class TrackerJournal {
    /// How much is read from one pipe at once: as much as one holds.
    static let mostBytesARead = 65536
    private static let headerSize = 64
    private static let chunkHeaderSize = 16
    static let initialSize = 1 << 19

    private final class File {
        let memory: SharedMemory
        var mapping: MemoryMapping

        init(_ memory: consuming SharedMemory) throws(Errno) {
            // A tracker was killed within `reset`, and an empty file cannot be mapped. As all zeros it does not count either.
            if try memory.size() < TrackerJournal.headerSize {
                try memory.descriptor.truncate(to: Int64(TrackerJournal.initialSize))
            }
            mapping = try memory.map()
            self.memory = memory
        }

        /// Makes it all zeros, of a given size.
        func reset(size: Int) throws(Errno) {
            try memory.descriptor.truncate(to: 0)
            try memory.descriptor.truncate(to: Int64(size))
            mapping = try memory.map()
        }
    }

    private var current: File
    private var spare: File
    private var end = headerSize

    /// Takes over the two files.
    init(_ one: consuming SharedMemory, _ other: consuming SharedMemory) throws(Errno) {
        current = try File(one)
        spare = try File(other)
        if Self.load(spare, 0) > Self.load(current, 0) { swap(&current, &spare) }
    }

    // MARK: What the header says

    /// Commands up to this time have had their effects.
    var executedTime: UInt64 {
        get { Self.load(current, 8) }
        set { Self.store(current, 8, newValue) }
    }

    var flags: UInt64 {
        get { Self.load(current, 16) }
        set { Self.store(current, 16, newValue) }
    }

    // Not inlined: what is written here has to be in memory before whatever comes next, also when the process is killed.
    @inline(never) private static func store(_ file: File, _ offset: Int, _ value: UInt64) {
        file.mapping.withBytes { $0.storeBytes(of: value, toByteOffset: offset, as: UInt64.self) }
    }

    private static func load(_ file: File, _ offset: Int) -> UInt64 {
        file.mapping.withBytes { $0.load(fromByteOffset: offset, as: UInt64.self) }
    }

    private func storeChunkHeader(at offset: Int, owner: UInt32, length: Int) {
        // One store, so that it is there whole or not at all.
        Self.store(current, offset, UInt64(owner + 1) | UInt64(length) << 32)
    }

    // MARK: Writing

    /// How much more fits.
    var room: Int { current.mapping.count - end }
    /// What a chunk takes at most.
    static let mostBytesAChunk = mostBytesARead + chunkHeaderSize + 8

    /// Reads what is there on a non-blocking pipe, as one chunk. Returns its bytes, which stay until `compact`; none at
    /// the end of file.
    func read(from pipe: FileDescriptor, owner: UInt32) throws(Errno) -> UnsafeRawBufferPointer {
        let start = end + Self.chunkHeaderSize
        storeChunkHeader(at: end, owner: owner, length: 0)
        do throws(Errno) {
            let bytes = try current.mapping.withBytes { bytes throws(Errno) in
                let space = bytes[start..<min(bytes.count - 8, start + Self.mostBytesARead)]
                let count = try pipe.read(into: UnsafeMutableRawBufferPointer(rebasing: space))
                return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
            }
            finishChunk(owner: owner, length: bytes.count)
            return bytes
        } catch {
            Self.store(current, end, 0)
            throw error
        }
    }

    /// Adds bytes as one chunk; there has to be room.
    func append(_ bytes: UnsafeRawBufferPointer, owner: UInt32) {
        if bytes.isEmpty { return }
        let start = end + Self.chunkHeaderSize
        current.mapping.withBytes { memory in
            UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + bytes.count]).copyMemory(from: bytes)
        }
        finishChunk(owner: owner, length: bytes.count)
    }

    private func finishChunk(owner: UInt32, length: Int) {
        if length == 0 {
            Self.store(current, end, 0)
            return
        }
        storeChunkHeader(at: end, owner: owner, length: length)
        end += Self.chunkHeaderSize + (length + 7) / 8 * 8
    }

    /// Starts anew with what still counts, and with room for so many further bytes.
    ///
    /// - Parameter chunks: By owner. Bytes given out by `read` are gone afterwards.
    func compact(_ chunks: [(owner: UInt32, bytes: [UInt8])], room: Int) throws(Errno) {
        let needed = chunks.reduce(Self.headerSize) { $0 + Self.chunkHeaderSize + $1.bytes.count + 8 }
        // Twice as much as is needed, or it would be done again at once.
        let size = max(Self.initialSize, 2 * (needed + room))
        let generation = Self.load(current, 0)
        let (executedTime, flags) = (executedTime, flags)
        let used = end
        if spare.mapping.count < size { try spare.reset(size: size) }
        swap(&current, &spare)
        end = Self.headerSize
        for (owner, bytes) in chunks { bytes.withUnsafeBytes { append($0, owner: owner) } }
        self.executedTime = executedTime
        self.flags = flags
        Self.store(current, 0, generation + 1)
        Self.store(spare, 0, 0)
        spare.mapping.withBytes { bytes in
            _ = UnsafeMutableRawBufferPointer(rebasing: bytes[..<min(used + Self.chunkHeaderSize, bytes.count)])
                .initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    // MARK: Reading, after a tracker was killed

    /// The chunks in order, the one included that was being read, of which nobody knows where it ends.
    func recover() throws(Errno) -> [(owner: UInt32, bytes: [UInt8])] {
        var chunks: [(owner: UInt32, bytes: [UInt8])] = []
        end = Self.headerSize
        current.mapping.withBytes { bytes in
            while end + Self.chunkHeaderSize <= bytes.count {
                let header = bytes.load(fromByteOffset: end, as: UInt64.self)
                if header == 0 { break }
                let owner = UInt32(truncatingIfNeeded: header) - 1
                let start = end + Self.chunkHeaderSize
                let length = Int(header >> 32)
                guard length > 0, start + length <= bytes.count else {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
                    chunks.append((owner, Array(rest[..<Self.wholeRecords(rest)])))
                    break
                }
                chunks.append((owner, Array(bytes[start..<start + length])))
                end = start + (length + 7) / 8 * 8
            }
        }
        // Whatever the killed tracker may have begun there.
        try spare.reset(size: max(Self.initialSize, spare.mapping.count))
        return chunks
    }

    /// How many bytes of whole records are there, before the zeros.
    private static func wholeRecords(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while case .whole(let length) = TrackerRecord.length(at: UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
            offset += length
        }
        return offset
    }
}
