import FDPassing
import Syscalls

/// Many bytes in a task or its result that are not copied on their way: the other process reads them where they are.
///
/// They lie in shared memory that is used again for others when the last reference to them has gone, here and there. Any `Codable` task
/// or result can hold some, as it can hold a `PassedDescriptor`. Small ones, and all on platforms other than Linux, are copied.
///
/// Who receives them can read them only. The process that they came from could still change them: who reads a stranger's twice may read
/// different bytes, but nothing that it does can make the reader fault. Safe to use from any thread.
public final class SharedBytes: Codable, Sendable {
    private enum Storage: Sendable {
        case copied([UInt8])
        case own(SegmentLease)
        case borrowed(BorrowedBytes)
    }

    private let storage: Storage
    /// How many there are.
    public let count: Int

    /// Bytes that are copied once, from where they are now.
    ///
    /// - Throws: `Errno` when there is no memory for them. See memfd_create(2).
    public convenience init(_ bytes: [UInt8]) throws(Errno) {
        try self.init(count: bytes.count) { span in
            bytes.withUnsafeBytes { bytes in span.withUnsafeMutableBytes { $0.copyMemory(from: bytes) } }
        }
    }

    /// Bytes that are written where they will be read.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - fill: Writes them. What it leaves out has any value.
    /// - Throws: `Errno` when there is no memory for them. See memfd_create(2).
    public init(count: Int, _ fill: (inout MutableRawSpan) -> Void) throws(Errno) {
        precondition(count >= 0, "a number of bytes is not negative")
        self.count = count
        if count >= PayloadThreshold.bytes {
            let lease = try SegmentStore.shared.lease(count)
            lease.segment.mapping.withMutableSpan { span in
                var part = span._mutatingExtracting(first: count)
                fill(&part)
            }
            storage = .own(lease)
            return
        }
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { buffer in
            var span = buffer.mutableBytes
            fill(&span)
        }
        storage = .copied(bytes)
    }

    /// Runs the body with the bytes, where they are.
    public func withSpan<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch storage {
        case .copied(let bytes): return try body(bytes.span.bytes)
        case .own(let lease):
            return try lease.segment.mapping.withSpan { span throws(Failure) in
                try body(span.extracting(first: count))
            }
        case .borrowed(let bytes): return try bytes.withSpan(body)
        }
    }

    /// A copy of the bytes.
    public var bytes: [UInt8] {
        // An array of none would be written to where all of them are, as the thread sanitizer remarks.
        if count == 0 { return [] }
        return withSpan { span in
            [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                span.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
                initialized = count
            }
        }
    }

    // MARK: Codable

    private enum CodingKeys: CodingKey { case segment, bytes }

    /// Takes the bytes that came beside the value, or in it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let index = try container.decodeIfPresent(Int.self, forKey: .segment) {
            guard let incoming = decoder.userInfo[.incomingSegments] as? IncomingSegments,
                let bytes = incoming[index]
            else {
                throw DecodingError.dataCorruptedError(
                    forKey: .segment, in: container, debugDescription: "shared bytes \(index) did not come with it")
            }
            storage = .borrowed(bytes)
            count = bytes.count
            return
        }
        let bytes = try container.decode([UInt8].self, forKey: .bytes)
        storage = .copied(bytes)
        count = bytes.count
    }

    /// Leaves the bytes to the pool that sends the value; any other coder gets a copy of them.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let outgoing = encoder.userInfo[.outgoingSegments] as? OutgoingSegments {
            switch storage {
            case .copied: break
            case .own(let lease):
                return try container.encode(outgoing.append(lease, count), forKey: .segment)
            case .borrowed:
                // Another process's memory cannot be passed on: it may be used again at any time.
                if case .own(let lease) = try SharedBytes(bytes).storage {
                    return try container.encode(outgoing.append(lease, count), forKey: .segment)
                }
            }
        }
        try container.encode(bytes, forKey: .bytes)
    }
}

/// From how many bytes on a payload goes through shared memory instead of through the socket.
enum PayloadThreshold {
    #if os(Linux)
        static let bytes = 131_072
    #else
        // Nothing keeps memory there from being cut while it is read.
        static let bytes = Int.max
    #endif
}

/// The segments met while a value is encoded, which are lent to whoever it is sent to.
final class OutgoingSegments: Sendable {
    private let met = Lock<[(lease: SegmentLease, byteCount: Int)]>([])

    func append(_ lease: SegmentLease, _ byteCount: Int) -> Int {
        met.withLock { met in
            met.append((lease, byteCount))
            return met.count - 1
        }
    }

    /// Gives them up, for the next value.
    func take() -> [(lease: SegmentLease, byteCount: Int)] {
        met.withLock { met in
            defer { if !met.isEmpty { met = [] } }
            return met
        }
    }
}

/// The segments that came with a value.
final class IncomingSegments: Sendable {
    private let segments: [BorrowedBytes]

    init(_ segments: [BorrowedBytes]) { self.segments = segments }

    subscript(index: Int) -> BorrowedBytes? { segments.indices.contains(index) ? segments[index] : nil }
}

extension CodingUserInfoKey {
    static let outgoingSegments = CodingUserInfoKey(rawValue: "swift-forkserver.pool.outgoing")!
    static let incomingSegments = CodingUserInfoKey(rawValue: "swift-forkserver.pool.incoming")!
}
