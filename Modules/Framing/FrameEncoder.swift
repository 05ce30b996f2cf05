/// Turns messages into the bytes of a stream, without doing any output itself: the opposite of `FrameDecoder`.
///
/// Append messages, write `bytes` by whatever means, and drop from them what was written.
public struct FrameEncoder: Sendable {
    /// The frames that have not been dropped, one after the other.
    public private(set) var bytes: [UInt8] = []

    /// Without any frames.
    public init() {}

    /// Appends one message, with its header before it.
    public mutating func append(_ message: RawSpan) {
        let header = FrameHeader(length: message.byteCount)
        bytes.reserveCapacity(bytes.count + header.byteCount + message.byteCount)
        for index in 0..<header.byteCount { bytes.append(header.bytes[index]) }
        message.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Appends one message, with its header before it.
    public mutating func append(_ message: [UInt8]) {
        append(message.span.bytes)
    }

    /// Drops the first `count` bytes, which have been written.
    public mutating func dropFirst(_ count: Int) {
        precondition((0...bytes.count).contains(count), "\(count) of \(bytes.count) bytes cannot have been written")
        if count == bytes.count { bytes.removeAll(keepingCapacity: true) } else { bytes.removeFirst(count) }
    }
}
