/// The hash functions that peers can agree on for authentication, by the names they have on the wire.
///
/// The names are those of CPython's `hashlib`, which `multiprocessing` puts in front of challenges and responses.
public enum DigestAlgorithm: String, Sendable, CaseIterable {
    /// MD5 (RFC 1321), which CPython up to 3.11 and billiard use, and nothing else.
    case md5
    /// SHA-256 (FIPS 180-4), which CPython uses from 3.12 on.
    case sha256
    /// SHA-384 (FIPS 180-4).
    case sha384
    // The names on the wire have the underscore.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    /// SHA3-256 (FIPS 202).
    case sha3_256
    // swift-format-ignore: AlwaysUseLowerCamelCase
    /// SHA3-384 (FIPS 202).
    case sha3_384

    /// The size of a digest, and of an authentication code, in bytes.
    public var byteCount: Int { function.byteCount }

    /// Returns the digest of a message.
    public func hash(_ bytes: [UInt8]) -> [UInt8] {
        function.hash(bytes)
    }

    /// Returns the HMAC (RFC 2104) of a message.
    ///
    /// - Parameter key: The secret, of any length, as for ``HMAC/init(key:)``.
    public func authenticationCode(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        function.authenticationCode(for: message, key: key)
    }

    private var function: any HashFunction.Type {
        switch self {
        case .md5: MD5.self
        case .sha256: SHA256.self
        case .sha384: SHA384.self
        case .sha3_256: SHA3_256.self
        case .sha3_384: SHA3_384.self
        }
    }
}

extension HashFunction {
    /// HMAC with this function, for where the function is known at run time only.
    fileprivate static func authenticationCode(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        HMAC<Self>.authenticationCode(for: message, key: key)
    }
}
