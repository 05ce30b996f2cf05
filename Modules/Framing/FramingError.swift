import FDPassing
import Syscalls

/// What can go wrong on a connection.
public enum FramingError: Error, Hashable, Sendable {
    /// The connection was closed at this side.
    case closed
    /// The connection only sends.
    case notReadable
    /// The connection only receives.
    case notWritable
    /// The peer has closed its side, between two messages.
    case endOfFile
    /// The stream ended inside a message, which lacks so many bytes.
    case endOfStreamDuringMessage(missing: Int)
    /// A negative length in a header.
    case malformedHeader(length: Int)
    /// A message longer than the receiver allows. The connection cannot be read any more.
    case messageTooLong(length: Int, limit: Int)
    /// A message longer than the caller's buffer; here it is, whole.
    case bufferTooShort(message: [UInt8])
    /// The deadline passed. When receiving nothing is lost: what has come of a message is kept for the next call.
    case timedOut
    /// The deadline passed, or an async call was cancelled, when part of a message was sent. The connection cannot be written any more.
    case partlySent(bytes: Int, of: Int)
    /// So many bytes of another message have been sent and the rest has not: resume that one first. Nothing was sent.
    case sendUnderWay(bytes: Int, of: Int)
    /// Fewer descriptors came with a message than it says.
    case missingDescriptors(expected: Int, arrived: Int)
    /// More descriptors for one message than it has bytes to carry them.
    case messageTooShortForDescriptors(bytes: Int, descriptors: Int)
    /// Descriptors came, but not as they should.
    case descriptors(FDPassingError)
    /// The connection holds bytes already read, so its descriptor alone would not be all of it.
    case hasReadAhead(bytes: Int)
    /// One of the things waited for has no open descriptor: its place among them, and the descriptor's number.
    case invalidDescriptor(position: Int, number: Int32)
    /// Not an address: what is wrong with it.
    case invalidAddress(String)
    /// A system call failed.
    case system(Errno)
}

extension FramingError {
    /// Whether it is one of those that a connection reports when its peer is gone.
    public var isDisconnection: Bool {
        switch self {
        case .endOfFile, .endOfStreamDuringMessage, .system(.brokenPipe), .system(.connectionReset): true
        default: false
        }
    }
}

extension FramingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .closed: "the connection is closed"
        case .notReadable: "the connection is write-only"
        case .notWritable: "the connection is read-only"
        case .endOfFile: "the peer has closed the connection"
        case .endOfStreamDuringMessage(let missing):
            "the connection ended during a message: \(missing) bytes are missing"
        case .malformedHeader(let length): "the peer sent a header with the length \(length)"
        case .messageTooLong(let length, let limit): "a message of \(length) bytes came where \(limit) are allowed"
        case .bufferTooShort(let message): "a message of \(message.count) bytes is larger than the buffer"
        case .timedOut: "the deadline has passed"
        case .partlySent(let bytes, let count): "only \(bytes) of the \(count) bytes of a message were sent in time"
        case .sendUnderWay(let bytes, let count):
            "\(bytes) of the \(count) bytes of another message have been sent; its rest comes first"
        case .missingDescriptors(let expected, let arrived):
            "a message says that it has \(expected) descriptors, \(arrived) came with it"
                + (arrived == 0 ? "; a connection takes as many as its descriptorLimit says" : "")
        case .messageTooShortForDescriptors(let bytes, let descriptors):
            "a message of \(bytes) bytes cannot carry \(descriptors) descriptors"
        case .descriptors(let error): "\(error)"
        case .hasReadAhead(let bytes): "\(bytes) bytes of the next messages have been read from the connection already"
        case .invalidDescriptor(let position, let number):
            "descriptor \(number), at place \(position) of what is waited for, is not open"
        case .invalidAddress(let problem): problem
        case .system(let error): "\(error)"
        }
    }
}

/// Runs a system call with its error as a `FramingError`.
@inlinable @inline(__always)
package func framing<Result: ~Copyable>(_ body: () throws(Errno) -> Result) throws(FramingError) -> Result {
    do throws(Errno) { return try body() } catch { throw .system(error) }
}
