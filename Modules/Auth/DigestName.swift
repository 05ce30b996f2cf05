/// The name of a digest in braces, as it stands at the start of a challenge or a response.
struct DigestName: Sendable {
    let digest: DigestAlgorithm
    let bytes: [UInt8]

    private static let all = DigestAlgorithm.allCases.map { digest in
        DigestName(digest: digest, bytes: Array("{\(digest.rawValue)}".utf8))
    }

    private init(digest: DigestAlgorithm, bytes: [UInt8]) {
        self.digest = digest
        self.bytes = bytes
    }

    init(of digest: DigestAlgorithm) {
        self = Self.all.first { $0.digest == digest }!
    }

    /// The name at the start of a message, if it is one of those known here.
    init?(known message: ArraySlice<UInt8>) {
        guard let name = Self.all.first(where: { message.starts(with: $0.bytes) }) else { return nil }
        self = name
    }

    /// The name at the start of a message, which must have one.
    ///
    /// - Parameter kind: Which message it is, for the error.
    init(at message: ArraySlice<UInt8>, in kind: HandshakeMessage) throws(AuthenticationError) {
        if let name = DigestName(known: message) {
            self = name
            return
        }
        // It goes into an error and so into logs: nothing there but what names consist of, and not too much of it.
        let name = message.dropFirst().prefix(32).prefix(while: Self.isPartOfName)
        let braces = (message.first, message[name.endIndex...].first)
        guard braces == (UInt8(ascii: "{"), UInt8(ascii: "}")) else {
            throw .malformed(kind, byteCount: message.count)
        }
        throw .unknownDigest(String(decoding: name, as: UTF8.self), in: kind)
    }

    private static func isPartOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
