import Auth
import Framing
import Syscalls
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension Deadline {
    /// For what happens at once unless something is broken.
    static var generous: Deadline { .after(.seconds(300)) }
    /// For what never happens.
    static var short: Deadline { .after(.milliseconds(50)) }
}

extension AuthenticationKey {
    /// A key that is the same for everyone who asks for the same.
    static func named(_ name: String) throws(AuthenticationError) -> AuthenticationKey {
        try AuthenticationKey(Array(name.utf8))
    }
}

/// Runs blocking calls where they block nobody else: on a thread of their own.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try Thread(name: "peer") { continuation.resume(with: Swift.Result { try body() }) }.detach()
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// What one side of a handshake does with its connection.
typealias Side = @Sendable (Connection) throws -> Void

/// Runs both sides of a handshake and returns the errors with which they ended.
func errors(listener: @escaping Side, client: @escaping Side) async throws -> [AuthenticationError?] {
    let (left, right) = try Connection.pipe()
    async let first = onThread { try error(of: listener, with: left) }
    async let second = onThread { try error(of: client, with: right) }
    return [try await first, try await second]
}

private func error(of side: Side, with connection: Connection) throws -> AuthenticationError? {
    do {
        try side(connection)
        return nil
    } catch let error as AuthenticationError {
        return error
    }
}

/// What became of a handshake with a peer that says what it says, whatever it hears.
struct Encounter {
    /// How the handshake ended.
    var error: AuthenticationError?
    /// What the peer received, to the end of the stream.
    var received: [[UInt8]]
    var isClosed: Bool

    /// - Parameter script: What the peer sends, one message each.
    static func of(_ side: @escaping Side, with script: [[UInt8]]) async throws -> Encounter {
        try await onThread {
            let (ours, peer) = try Connection.pipe()
            for message in script { try peer.send(message, until: .generous) }
            return try Encounter(side, ours, peer)
        }
    }

    /// - Parameter bytes: What the peer sends before it closes, unframed.
    static func of(_ side: @escaping Side, withBytes bytes: [UInt8]) async throws -> Encounter {
        try await onThread {
            let (ours, peer) = try Connection.pipe()
            try peer.withDescriptor { descriptor throws(FramingError) in
                try framing { () throws(Errno) in
                    try descriptor.writeAll(bytes)
                    try descriptor.shutdownSending()
                }
            }
            return try Encounter(side, ours, peer)
        }
    }

    private init(_ side: Side, _ ours: Connection, _ peer: Connection) throws {
        error = try AuthTests.error(of: side, with: ours)
        isClosed = ours.isClosed
        ours.close()
        received = []
        do throws(FramingError) {
            while true {
                let message = try peer.receive(until: .generous)
                received.append(message)
            }
        } catch {
            // The latter is the end of the stream for a peer of whose bytes some were not read.
            guard error == .endOfFile || error == .system(.connectionReset) else { throw error }
        }
    }
}

/// The messages of a handshake.
enum Wire {
    static let welcome = Array("#WELCOME#".utf8)
    static let failure = Array("#FAILURE#".utf8)

    static func challenge(_ content: [UInt8]) -> [UInt8] {
        Array("#CHALLENGE#".utf8) + content
    }

    /// What a challenge has after its first word.
    static func content(of challenge: [UInt8]) throws -> [UInt8] {
        try #require(challenge.starts(with: "#CHALLENGE#".utf8))
        return Array(challenge.dropFirst("#CHALLENGE#".utf8.count))
    }

    /// The response of a modern peer.
    static func response(to content: [UInt8], key: String, _ digest: DigestAlgorithm) -> [UInt8] {
        Array("{\(digest.rawValue)}".utf8) + bareResponse(to: content, key: key, digest)
    }

    /// The response of a legacy peer.
    static func bareResponse(to content: [UInt8], key: String, _ digest: DigestAlgorithm = .md5) -> [UInt8] {
        digest.authenticationCode(for: content, key: Array(key.utf8))
    }
}

/// A directory that is removed with everything in it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/auth-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno.current }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in (try? directoryEntries(path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }

    /// Writes a file with these permissions, whatever the umask.
    func write(_ bytes: [UInt8], to name: String, permissions: mode_t) throws -> String {
        let path = "\(path)/\(name)"
        let file = try OwnedFileDescriptor.open(path, [.writeOnly, .create, .exclusive])
        try file.descriptor.writeAll(bytes)
        guard fchmod(file.descriptor.rawValue, permissions) == 0 else { throw Errno.current }
        return path
    }
}
