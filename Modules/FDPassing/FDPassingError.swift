import Syscalls

/// What can go wrong while descriptors travel. Those that had arrived are closed in every case.
public enum FDPassingError: Error, Hashable, Sendable {
    /// The system call failed.
    case system(Errno)
    /// The stream ended where descriptors should have come.
    case endOfStream
    /// The kernel dropped descriptors: the control message was cut, or this process has no room for more (`EMFILE`).
    case truncated(arrived: Int)
    /// Another number of descriptors came than the message says, or than was asked for.
    case wrongCount(expected: Int, arrived: Int)
    /// More descriptors came than the receiver allows.
    case tooMany(limit: Int, arrived: Int)
    /// A control message that does not carry descriptors.
    case unexpectedControlMessage
    /// The peer did not confirm the descriptors (macOS only).
    case notAcknowledged
}

extension FDPassingError: CustomStringConvertible {
    /// What went wrong, for messages.
    public var description: String {
        switch self {
        case .system(let error): "passing descriptors failed: \(error)"
        case .endOfStream: "the stream ended where descriptors were expected"
        case .truncated(let arrived):
            "the kernel dropped descriptors after \(arrived): is this process at its limit of open files?"
        case .wrongCount(let expected, let arrived): "\(expected) descriptors were expected, \(arrived) arrived"
        case .tooMany(let limit, let arrived): "\(arrived) descriptors arrived where at most \(limit) are allowed"
        case .unexpectedControlMessage: "a control message arrived that does not carry descriptors"
        case .notAcknowledged: "the peer did not acknowledge the descriptors"
        }
    }
}
