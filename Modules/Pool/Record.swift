import Syscalls

/// What pool and worker say to each other: messages of one or more records, each a header of native integers and what follows it.
///
///     header   name of the task's type   payload   segments
///
/// Descriptors travel beside the message: for each record in turn the value's own ones, then those of segments that the other side
/// meets for the first time. Both sides run the same build.
struct RecordHeader {
    static let size = 40
    /// Where one will be.
    static let room = [UInt8](repeating: 0, count: size)

    enum Kind: UInt8 {
        // To a worker.
        case task = 0
        /// The running task is to stop.
        case cancel = 1
        // From a worker.
        case output = 2
        case failure = 3
        case progress = 4
        // Both ways: the payload is the numbers of loans that are given back, and of segments that are no more.
        case returned = 5
        case forgotten = 6
    }

    struct Flags: OptionSet {
        let rawValue: UInt8
        /// The payload is in the last segment.
        static let payloadInSegment = Flags(rawValue: 1)
        /// The worker has more memory of its own than it may.
        static let isOverMemoryLimit = Flags(rawValue: 2)
        /// The payload is the task as it lies in memory.
        static let isMemory = Flags(rawValue: 4)
        /// The pool watches how long the task runs.
        static let isTimed = Flags(rawValue: 8)
    }

    var kind: Kind
    var flags: Flags = []
    var task: UInt64 = 0
    /// To a worker the soft time limit, 0 for none; from it how long the task took.
    var nanoseconds: Int64 = 0
    var slot = 0
    var attempt = 1
    /// Of tasks that came together, the first that is to be run: those before it were begun by a worker that has died.
    var firstElement = 0
    var nameLength = 0
    var segmentCount = 0
    var descriptorCount = 0
    var payloadLength = 0

    var recordSize: Int { Self.size + nameLength + payloadLength + segmentCount * SegmentEntry.size }

    func store(in bytes: inout [UInt8], at offset: Int) {
        bytes.withUnsafeMutableBytes { bytes in
            let header = UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + Self.size])
            header.storeBytes(of: task, toByteOffset: 0, as: UInt64.self)
            header.storeBytes(of: nanoseconds, toByteOffset: 8, as: Int64.self)
            header.storeBytes(of: kind.rawValue, toByteOffset: 16, as: UInt8.self)
            header.storeBytes(of: flags.rawValue, toByteOffset: 17, as: UInt8.self)
            header.storeBytes(of: UInt16(slot), toByteOffset: 18, as: UInt16.self)
            header.storeBytes(of: UInt16(clamping: attempt), toByteOffset: 20, as: UInt16.self)
            header.storeBytes(of: UInt16(descriptorCount), toByteOffset: 22, as: UInt16.self)
            header.storeBytes(of: UInt32(nameLength), toByteOffset: 24, as: UInt32.self)
            header.storeBytes(of: UInt32(segmentCount), toByteOffset: 28, as: UInt32.self)
            header.storeBytes(of: UInt32(firstElement), toByteOffset: 32, as: UInt32.self)
            header.storeBytes(of: UInt32(payloadLength), toByteOffset: 36, as: UInt32.self)
        }
    }

    /// Reads a header; `nil` when it makes no sense.
    init?(in bytes: [UInt8], at offset: Int) {
        guard offset + Self.size <= bytes.count else { return nil }
        guard let kind = Kind(rawValue: bytes[offset + 16]) else { return nil }
        self.kind = kind
        bytes.withUnsafeBytes { bytes in
            let header = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Self.size])
            task = header.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
            nanoseconds = header.loadUnaligned(fromByteOffset: 8, as: Int64.self)
            flags = Flags(rawValue: header[17])
            slot = Int(header.loadUnaligned(fromByteOffset: 18, as: UInt16.self))
            attempt = Int(header.loadUnaligned(fromByteOffset: 20, as: UInt16.self))
            descriptorCount = Int(header.loadUnaligned(fromByteOffset: 22, as: UInt16.self))
            nameLength = Int(header.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
            segmentCount = Int(header.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
            firstElement = Int(header.loadUnaligned(fromByteOffset: 32, as: UInt32.self))
            payloadLength = Int(header.loadUnaligned(fromByteOffset: 36, as: UInt32.self))
        }
        guard offset + recordSize <= bytes.count else { return nil }
    }

    init(_ kind: Kind, task: UInt64 = 0) {
        self.kind = kind
        self.task = task
    }
}

/// A segment of shared memory that a record's value is in, or parts of it.
struct SegmentEntry {
    static let size = 32

    /// The sender's number for the memory.
    var segment: UInt64
    /// The sender's number for this loan of it.
    var loan: UInt64
    /// How many bytes of it are meant, from its start.
    var byteCount: UInt64
    /// Whether its descriptor comes beside the message.
    var hasDescriptor: Bool
}

/// A record that has arrived.
struct Record {
    let header: RecordHeader
    private let message: [UInt8]
    private let offset: Int

    fileprivate init(_ header: RecordHeader, in message: [UInt8], at offset: Int) {
        self.header = header
        self.message = message
        self.offset = offset
    }

    private var payloadStart: Int { offset + RecordHeader.size + header.nameLength }

    var typeName: ArraySlice<UInt8> { message[offset + RecordHeader.size..<payloadStart] }

    var payload: ArraySlice<UInt8> { message[payloadStart..<payloadStart + header.payloadLength] }

    /// A payload that is a list of numbers.
    var numbers: [UInt64] {
        let payload = payload
        return payload.withUnsafeBytes { bytes in
            (0..<payload.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
        }
    }

    var segments: [SegmentEntry] {
        guard header.segmentCount > 0 else { return [] }
        return message.withUnsafeBytes { message in
            (0..<header.segmentCount).map { index in
                let start = payloadStart + header.payloadLength + index * SegmentEntry.size
                let load = { message.loadUnaligned(fromByteOffset: start + $0, as: UInt64.self) }
                return SegmentEntry(segment: load(0), loan: load(8), byteCount: load(16), hasDescriptor: load(24) != 0)
            }
        }
    }
}

/// The records of a message.
struct Records: Sequence {
    private let message: [UInt8]

    /// `nil` when the message makes no sense.
    init?(in message: [UInt8]) {
        self.message = message
        var offset = 0
        while offset < message.count {
            guard let header = RecordHeader(in: message, at: offset) else { return nil }
            offset += header.recordSize
        }
    }

    struct Iterator: IteratorProtocol {
        fileprivate let message: [UInt8]
        private var offset = 0

        fileprivate init(_ message: [UInt8]) { self.message = message }

        mutating func next() -> Record? {
            guard let header = RecordHeader(in: message, at: offset) else { return nil }
            defer { offset += header.recordSize }
            return Record(header, in: message, at: offset)
        }
    }

    func makeIterator() -> Iterator { Iterator(message) }
}

extension [UInt8] {
    /// Appends a record that is nothing but a list of numbers.
    mutating func appendRecord(_ kind: RecordHeader.Kind, _ numbers: [UInt64]) {
        var header = RecordHeader(kind)
        header.payloadLength = numbers.count * 8
        appendHeader(header)
        for number in numbers { appendNative(number) }
    }

    mutating func appendHeader(_ header: RecordHeader) {
        let offset = count
        append(contentsOf: RecordHeader.room)
        header.store(in: &self, at: offset)
    }

    mutating func append(_ entry: SegmentEntry) {
        for number in [entry.segment, entry.loan, entry.byteCount, entry.hasDescriptor ? 1 : 0] { appendNative(number) }
    }

    private mutating func appendNative(_ number: UInt64) {
        Swift.withUnsafeBytes(of: number) { append(contentsOf: $0) }
    }
}
