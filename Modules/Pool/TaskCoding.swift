import BinaryCoding
import FDPassing
import ForkServer
import ProcessRoles
import Syscalls

/// A value as it goes over the wire: bytes, and what travels beside them, kept open until it is sent.
struct EncodedValue: Sendable {
    /// Of a task the name of its type and the payload; of a result the payload alone.
    var bytes: [UInt8]
    var nameLength = 0
    /// Keeps the descriptors open; `nil` when there are none.
    var outgoing: OutgoingDescriptors?
    var descriptors: [FileDescriptor] = []
    var segments: [(lease: SegmentLease, byteCount: Int)] = []
    /// Whether the payload is in the last segment, and `bytes` is the name alone.
    var isInSegment = false

    /// Whether it can share a message with others.
    var isPlain: Bool { descriptors.isEmpty && segments.isEmpty }

    /// Moves the payload into shared memory, if it is large enough for that to be worth it.
    mutating func moveLargePayload() {
        let count = bytes.count - nameLength
        guard count >= PayloadThreshold.bytes, let lease = try? SegmentStore.shared.lease(count) else { return }
        lease.segment.mapping.withBytes { target in
            bytes.withUnsafeBytes {
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[nameLength...]))
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
    private static let plainDecoder = BinaryDecoder()

    /// A task under its type's name.
    static func encode(task: some Encodable & Sendable) throws(PoolError) -> EncodedValue {
        guard let name = TypeName.resolvableName(of: type(of: task)) else {
            throw .typeNotNameable(String(reflecting: type(of: task)))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(name.utf8.count + 96)
        bytes.append(contentsOf: name.utf8)
        return try encode(task, after: bytes)
    }

    /// A result, or anything else behind what is there already.
    static func encode(_ value: some Encodable, after prefix: [UInt8] = []) throws(PoolError) -> EncodedValue {
        let collector = idleCollectors.withLock { $0.popLast() } ?? Collector()
        var encoded = EncodedValue(bytes: prefix, nameLength: prefix.count)
        do {
            try collector.descriptors.whileEncoding {
                try collector.encoder.encode(value, appendingTo: &encoded.bytes)
            }
        } catch {
            // The collector goes, with whatever it has met.
            throw .coding("\(error)")
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
    /// Appends the record of a value, and lends the other side the segments that it has.
    ///
    /// - Returns: What has to travel beside the message.
    func append(_ header: RecordHeader, to message: inout [UInt8], _ link: SegmentLink) -> [FileDescriptor] {
        var header = header
        header.nameLength = nameLength
        header.payloadLength = bytes.count - nameLength
        header.descriptorCount = descriptors.count
        header.segmentCount = segments.count
        if isInSegment { header.flags.insert(.payloadInSegment) }
        message.reserveCapacity(message.count + header.recordSize)
        message.appendHeader(header)
        message.append(contentsOf: bytes)
        guard !segments.isEmpty else { return descriptors }
        let (entries, segmentDescriptors) = link.lend(segments)
        for entry in entries { message.append(entry) }
        return descriptors + segmentDescriptors
    }
}
