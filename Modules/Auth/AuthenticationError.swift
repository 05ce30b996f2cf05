import Framing
import Syscalls

/// What can go wrong with keys and handshakes. When a handshake fails, its connection is closed.
public enum AuthenticationError: Error, Hashable, Sendable {
    /// A message longer than 256 bytes, which was not read.
    case oversized(HandshakeMessage, byteCount: Int)
    /// A message with fewer bytes than it needs.
    case short(HandshakeMessage, byteCount: Int, minimum: Int)
    /// Something that is not what it should be, nor any other message.
    case malformed(HandshakeMessage, byteCount: Int)
    /// A message that belongs elsewhere in a handshake.
    case outOfOrder(HandshakeMessage, expected: HandshakeMessage)
    /// A digest that neither this package nor CPython knows.
    case unknownDigest(String, in: HandshakeMessage)
    /// A digest that the policy refuses.
    case digestForbidden(DigestAlgorithm, in: HandshakeMessage, dialect: AuthenticationDialect)
    /// The peer has another key than this side, which has told it so.
    case wrongKey
    /// The peer says that this side has another key.
    case rejectedByPeer
    /// The peer sent this side's own challenge back, to have it answered or in place of an answer.
    case ownChallengeEchoed
    /// The deadline passed before this message came.
    case timedOut(awaiting: HandshakeMessage)
    /// The peer closed the connection instead of sending this message.
    case ended(awaiting: HandshakeMessage)
    /// The connection failed, or could not be made.
    case framing(FramingError)

    /// A key without bytes, which CPython takes for "no authentication".
    case emptyKey
    /// A key file that users other than its owner have access to.
    case exposedKeyFile(path: String, permissions: UInt32)
    /// A key file with more bytes than any key has.
    case keyFileTooLarge(path: String, limit: Int)
    /// A key file that cannot be read.
    case unreadableKeyFile(path: String, Errno)
    /// A system call failed.
    case system(Errno)
}

/// The messages of a handshake: each side's challenge, the other's response, the first one's verdict.
public enum HandshakeMessage: String, Sendable {
    case challenge, response, verdict
}

extension AuthenticationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .oversized(let message, let count):
            "the peer's \(message) has \(count) bytes where \(Handshake.messageLimit) are allowed"
        case .short(let message, let count, let minimum):
            "the peer's \(message) has \(count) bytes where at least \(minimum) are needed"
        case .malformed(.challenge, let count):
            "the peer sent \(count) bytes that are no challenge: it may have no key and not authenticate at all"
        case .malformed(let message, let count): "the peer sent \(count) bytes that are no \(message)"
        case .outOfOrder(.challenge, .response):
            "the peer sent a challenge instead of a response: both sides may be acting as the listener"
        case .outOfOrder(let message, let expected):
            "the peer sent a \(message) instead of a \(expected)"
        case .unknownDigest(let name, let message):
            "the peer's \(message) names the digest “\(name)”, which is unknown here"
        case .digestForbidden(let digest, let message, .legacy):
            "the peer's \(message) is in the legacy dialect (CPython up to 3.11, billiard), which uses \(digest):"
                + " the policy .modern refuses that, .compatible accepts it"
        case .digestForbidden(let digest, let message, .modern):
            "the peer's \(message), in the modern dialect (CPython from 3.12 on), names the digest \(digest):"
                + " the policy .modern refuses that, .compatible accepts it"
        case .wrongKey: "the peer has another key than this side"
        case .rejectedByPeer: "the peer rejected the response of this side, which has another key than the peer"
        case .ownChallengeEchoed: "the peer sent this side's own challenge back"
        case .timedOut(let message): "the deadline passed before the peer's \(message) came"
        case .ended(let message):
            "the peer closed the connection instead of sending a \(message): it may refuse this side's digest"
        case .framing(let error): "\(error)"
        case .emptyKey: "a key must have at least one byte"
        case .exposedKeyFile(let path, let permissions):
            "the key file \(path) has the permissions \(String(permissions, radix: 8)):"
                + " only its owner may have access (chmod 600)"
        case .keyFileTooLarge(let path, let limit): "the key file \(path) has more than \(limit) bytes"
        case .unreadableKeyFile(let path, let error): "the key file \(path) cannot be read: \(error)"
        case .system(let error): "\(error)"
        }
    }
}
