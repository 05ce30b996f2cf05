import BinaryCoding
import FDPassing
import ForkServer
import ProcessRoles
import Syscalls

/// A value as it goes over the wire: bytes, and what travels beside them, kept open until it is sent.
struct EncodedValue: Sendable {
    /// Room for the record's header; of a task the name of its type; and the payload.
    var bytes: [UInt8]
    var nameLength = 0
    /// Keeps the descriptors open; `nil` when there are none.
    var outgoing: OutgoingDescriptors?
    var descriptors: [FileDescriptor] = []
    var segments: [(lease: SegmentLease, byteCount: Int)] = []
    /// Whether the payload is in the last segment, and `bytes` ends with the name.
    var isInSegment = false
    /// Whether the payload is the task as it lies in memory.
    var isMemory = false

    /// Whether it can share a message with others.
    var isPlain: Bool { descriptors.isEmpty && segments.isEmpty }

    /// Moves the payload into shared memory, if it is large enough for that to be worth it.
    mutating func moveLargePayload() {
        let payloadStart = RecordHeader.size + nameLength
        let count = bytes.count - payloadStart
        guard count >= PayloadThreshold.bytes, let lease = try? SegmentStore.shared.lease(count) else { return }
        lease.segment.mapping.withBytes { target in
            bytes.withUnsafeBytes {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[payloadStart...]))
            }
        }
        bytes.removeLast(count)
        segments.append((lease, count))
        isInSegment = true
    }
}

/// Encodes and decodes the pool's values.
enum TaskCoder {
    /// Of a task, or of a result.
    static let mostDescriptors = ChildContext.descriptorLimit

    /// What encoders write descriptors and segments to. Kept for the next value, since making it costs as much as encoding a small one.
    private final class Collector: Sendable {
        let descriptors = OutgoingDescriptors()
        let segments = OutgoingSegments()
        let encoder: BinaryEncoder

        init() {
            encoder = BinaryEncoder(userInfo: [.outgoingSegments: segments])
        }
    }

    private static let idleCollectors = Lock<[Collector]>([])
    private static let plainEncoder = BinaryEncoder()
    private static let plainDecoder = BinaryDecoder()
    private static let beginnings = Lock<[ObjectIdentifier: [UInt8]]>([:])

    /// What a task's bytes begin with: room for the header, and the name of its type, under which a worker finds it.
    static func beginning(for type: Any.Type) throws(PoolError) -> [UInt8] {
        if let known = beginnings.withLock({ $0[ObjectIdentifier(type)] }) { return known }
        guard let name = TypeName.resolvableName(of: type) else { throw .typeNotNameable(String(reflecting: type)) }
        let beginning = RecordHeader.room + name.utf8
        beginnings.withLock { $0[ObjectIdentifier(type)] = beginning }
        return beginning
    }

    /// A task under its type's name.
    ///
    /// - Parameter isSameBuild: Whether the workers are this executable: they understand its memory then.
    static func encode<T: Encodable & Sendable>(task: T, isSameBuild: Bool) throws(PoolError) -> EncodedValue {
        try encode(
            task: task, after: beginning(for: T.self), asMemory: isSameBuild && TaskMemory.isPossible(for: T.self))
    }

    /// A task behind what its bytes begin with.
    static func encode<T: Encodable & Sendable>(
        task: T, after beginning: [UInt8], asMemory: Bool
    ) throws(PoolError) -> EncodedValue {
        guard asMemory else { return try encode(task, after: beginning) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(beginning.count + MemoryLayout<T>.size)
        bytes.append(contentsOf: beginning)
        withUnsafeBytes(of: task) { bytes.append(contentsOf: $0) }
        var encoded = EncodedValue(bytes: bytes, nameLength: beginning.count - RecordHeader.size, isMemory: true)
        encoded.moveLargePayload()
        return encoded
    }

    /// A result, or anything else behind what its bytes begin with.
    static func encode(
        _ value: some Encodable, after beginning: [UInt8] = RecordHeader.room
    ) throws(PoolError) -> EncodedValue {
        var encoded = EncodedValue(bytes: [], nameLength: beginning.count - RecordHeader.size)
        encoded.bytes.reserveCapacity(beginning.count + 96)
        encoded.bytes.append(contentsOf: beginning)
        if BinaryEncoder.encodesDirectly(type(of: value)) {
            // No code of the value's runs that could have something travel beside it.
            try coding { try plainEncoder.encode(value, appendingTo: &encoded.bytes) }
            encoded.moveLargePayload()
            return encoded
        }
        let collector = idleCollectors.withLock { $0.popLast() } ?? Collector()
        // After an error the collector goes, with whatever it has met.
        try coding {
            try collector.descriptors.whileEncoding {
                try collector.encoder.encode(value, appendingTo: &encoded.bytes)
            }
        }
        encoded.segments = collector.segments.take()
        encoded.descriptors = collector.descriptors.descriptors
        if encoded.descriptors.isEmpty {
            idleCollectors.withLock { if $0.count < 8 { $0.append(collector) } }
        } else {
            encoded.outgoing = collector.descriptors
        }
        guard encoded.descriptors.count <= mostDescriptors else {
            throw .coding("it has \(encoded.descriptors.count) descriptors; \(mostDescriptors) can be passed")
        }
        encoded.moveLargePayload()
        return encoded
    }

    private static func coding(_ body: () throws -> Void) throws(PoolError) {
        do { try body() } catch { throw .coding("\(error)") }
    }

    /// What came with a value, and the value.
    static func decode<Value: Decodable>(_ type: Value.Type, from incoming: borrowing IncomingValue) throws -> Value {
        let decoder = incoming.segments.map { BinaryDecoder(userInfo: [.incomingSegments: $0]) } ?? plainDecoder
        guard let descriptors = incoming.descriptors else { return try decoder.decode(type, from: incoming.payload) }
        return try descriptors.whileDecoding { try decoder.decode(type, from: incoming.payload) }
    }
}

/// A value that has come, and what came beside it.
struct IncomingValue: Sendable {
    let payload: ArraySlice<UInt8>
    let descriptors: IncomingDescriptors?
    let segments: IncomingSegments?

    /// Takes a record's value apart.
    ///
    /// - Parameter batch: The descriptors that came for it, in their order.
    /// - Returns: `nil` when what came does not fit together.
    init?(_ record: Record, _ batch: consuming DescriptorBatch, _ link: SegmentLink) {
        let header = record.header
        guard header.segmentCount > 0 else {
            payload = record.payload
            descriptors = header.descriptorCount > 0 ? IncomingDescriptors(batch) : nil
            segments = nil
            return
        }
        let own = batch.takeFirst(min(header.descriptorCount, batch.count))
        guard var borrowed = link.borrow(record.segments, &batch) else { return nil }
        if header.flags.contains(.payloadInSegment) {
            guard let last = borrowed.popLast() else { return nil }
            // Copied, since a decoder needs bytes that stay as they are.
            payload = last.bytes[...]
        } else {
            payload = record.payload
        }
        descriptors = header.descriptorCount > 0 ? IncomingDescriptors(own) : nil
        segments = borrowed.isEmpty ? nil : IncomingSegments(borrowed)
    }
}

extension EncodedValue {
    /// The record of a value that has nothing beside it.
    mutating func record(_ header: RecordHeader) -> [UInt8] {
        complete(header).store(in: &bytes, at: 0)
        return bytes
    }

    private func complete(_ header: RecordHeader) -> RecordHeader {
        var header = header
        header.nameLength = nameLength
        header.payloadLength = bytes.count - RecordHeader.size - nameLength
        header.descriptorCount = descriptors.count
        header.segmentCount = segments.count
        if isInSegment { header.flags.insert(.payloadInSegment) }
        if isMemory { header.flags.insert(.isMemory) }
        return header
    }

    /// Appends the record of a value, and lends the other side the segments that it has.
    ///
    /// - Returns: What has to travel beside the message.
    func append(_ header: RecordHeader, to message: inout [UInt8], _ link: SegmentLink) -> [FileDescriptor] {
        let start = message.count
        message.append(contentsOf: bytes)
        complete(header).store(in: &message, at: start)
        guard !segments.isEmpty else { return descriptors }
        let (entries, segmentDescriptors) = link.lend(segments)
        for entry in entries { message.append(entry) }
        return descriptors + segmentDescriptors
    }
}
