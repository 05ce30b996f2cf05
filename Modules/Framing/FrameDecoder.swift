/// Cuts a stream of bytes into messages, without doing any input itself.
///
/// However the bytes are split on their way, the same messages come out. Feed it with `append`, or let it choose where
/// the bytes go with `fill`, and take messages with `next` until there are none.
///
/// Memory is taken for a message only after its length was checked against the limit, and beyond 64 MiB only as its bytes
/// arrive.
public struct FrameDecoder: Sendable {
    /// Read-ahead: small messages are cut out of it. Allocated with the first byte.
    private var buffer: [UInt8] = []
    /// What of `buffer` is filled and not consumed.
    private var filled = 0..<0
    /// A message too large for `buffer`, which is filled in place.
    private var large: LargeFrame?

    fileprivate struct LargeFrame: Sendable {
        let length: Int
        var bytes: [UInt8]
        var filled: Int

        var isComplete: Bool { filled == length }
    }

    private static let bufferSize = 32768
    private static let eagerAllocation = 64 << 20

    public init() {}

    /// Bytes that were taken in and not given out.
    public var bufferedByteCount: Int { filled.count + (large?.filled ?? 0) }

    /// Whether the stream may end here: not inside a message.
    public var isAtBoundary: Bool { bufferedByteCount == 0 && large == nil }

    /// How many bytes are missing from the message that has begun; 0 at a boundary. Of a header that is not complete, the
    /// rest of the header.
    public var missingByteCount: Int {
        if let large { return large.length - large.filled }
        guard !filled.isEmpty else { return 0 }
        guard let header = (try? header()) ?? nil else { return max(1, (filled.count < 4 ? 4 : 12) - filled.count) }
        return max(0, header.byteCount + header.length - filled.count)
    }

    /// Takes in the next bytes of the stream, any number of them.
    public mutating func append(_ bytes: RawSpan) {
        var offset = 0
        while offset < bytes.byteCount {
            fill { space in
                let count = min(space.count, bytes.byteCount - offset)
                bytes.extracting(offset..<offset + count).withUnsafeBytes { space.copyMemory(from: $0) }
                offset += count
                return count
            }
            // Room for more than a buffer is made by turning what is there into messages; without a limit here, since
            // `next` applies it before it gives the message out.
            if filled.count == buffer.count, large == nil { grow() }
        }
    }

    /// Offers the place where the stream's next bytes belong, to be read into directly.
    ///
    /// - Parameter read: Fills some of the space, from its start, and returns how many bytes; it is never empty.
    /// - Returns: What `read` returned.
    @discardableResult
    public mutating func fill<Failure: Error>(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        if large != nil, !large!.isComplete { return try large!.fill(read) }
        allocateBuffer()
        if filled.isEmpty {
            filled = 0..<0
        } else if filled.upperBound == buffer.count {
            if filled.lowerBound == 0 { grow() } else { moveToStart() }
        }
        let end = filled.upperBound
        let count = try buffer.withUnsafeMutableBufferPointer { bytes throws(Failure) in
            try read(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: bytes[end...])))
        }
        filled = filled.lowerBound..<end + count
        return count
    }

    /// Takes the memory now that the first `fill` would take.
    mutating func allocateBuffer() {
        if buffer.isEmpty { buffer = Self.uninitialized(Self.bufferSize) }
    }

    /// The next complete message; `nil` when more bytes are needed.
    ///
    /// - Parameter limit: The most bytes that a message may have.
    /// - Throws: `FramingError.messageTooLong` or `.malformedHeader`, as soon as the header is there; the stream is of no
    ///   use after that.
    public mutating func next(limit: Int = .max) throws(FramingError) -> [UInt8]? {
        if let frame = large {
            guard frame.length <= limit else { throw .messageTooLong(length: frame.length, limit: limit) }
            guard frame.isComplete else { return nil }
            large = nil
            return frame.bytes
        }
        guard let message = try takeNext(limit: limit) else { return nil }
        return buffer.withUnsafeBufferPointer { Array(UnsafeBufferPointer(rebasing: $0[message])) }
    }

    /// Copies the next complete message into a buffer; `nil` when more bytes are needed.
    ///
    /// - Returns: Its number of bytes.
    /// - Throws: `FramingError.bufferTooShort`, which carries the message; and what `next` throws.
    package mutating func next(
        into target: UnsafeMutableRawBufferPointer, limit: Int
    ) throws(FramingError) -> Int? {
        if large == nil, let header = try header(), header.length <= min(limit, target.count),
            let message = try takeNext(limit: limit)
        {
            buffer.withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[message])) }
            return message.count
        }
        guard let message = try next(limit: limit) else { return nil }
        guard message.count <= target.count else { throw .bufferTooShort(message: message) }
        message.withUnsafeBytes { target.copyMemory(from: $0) }
        return message.count
    }

    /// Takes the next complete message out of the buffer: its place there, until more is read.
    private mutating func takeNext(limit: Int) throws(FramingError) -> Range<Int>? {
        guard let header = try header() else { return nil }
        guard header.length <= limit else { throw .messageTooLong(length: header.length, limit: limit) }
        let start = filled.lowerBound + header.byteCount
        let end = start + header.length
        guard end <= filled.upperBound else {
            if header.byteCount + header.length > Self.bufferSize { becomeLarge(header) }
            return nil
        }
        filled = end..<filled.upperBound
        return start..<end
    }

    /// The header of the message that has begun in the buffer, once it is there.
    private func header() throws(FramingError) -> FrameHeader? {
        try buffer.withUnsafeBufferPointer { bytes throws(FramingError) in
            try FrameHeader.decode(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[filled])))
        }
    }

    private mutating func becomeLarge(_ header: FrameHeader) {
        let begun = filled.lowerBound + header.byteCount..<filled.upperBound
        // More may have come already when it was appended without asking for messages in between.
        let count = min(header.length, max(Self.eagerAllocation, begun.count))
        var frame = LargeFrame(length: header.length, bytes: Self.uninitialized(count), filled: 0)
        frame.bytes.replaceSubrange(0..<begun.count, with: buffer[begun])
        frame.filled = begun.count
        filled = 0..<0
        large = frame
    }

    private mutating func moveToStart() {
        buffer.withUnsafeMutableBytes { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[filled]))
        }
        filled = 0..<filled.count
    }

    /// Only for bytes that are appended without asking for messages in between.
    private mutating func grow() {
        var larger = Self.uninitialized(buffer.count * 2)
        larger.replaceSubrange(0..<filled.count, with: buffer[filled])
        buffer = larger
        filled = 0..<filled.count
    }

    /// Memory that is not cleared: every byte is written from the stream before anybody sees it.
    fileprivate static func uninitialized(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { _, initialized in initialized = count }
    }
}

extension FrameDecoder.LargeFrame {
    fileprivate mutating func fill<Failure: Error>(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        if filled == bytes.count {
            var larger = FrameDecoder.uninitialized(min(length, bytes.count * 2))
            larger.replaceSubrange(0..<filled, with: bytes)
            bytes = larger
        }
        let start = filled
        let count = try bytes.withUnsafeMutableBufferPointer { bytes throws(Failure) in
            try read(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: bytes[start...])))
        }
        filled += count
        return count
    }
}
