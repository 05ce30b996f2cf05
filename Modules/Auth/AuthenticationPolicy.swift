/// Which digests a handshake may use.
public enum AuthenticationPolicy: String, Sendable, CaseIterable {
    /// Everything but MD5, which is refused wherever a peer names it or, in the legacy dialect, implies it. For peers of
    /// this package and CPython from 3.12 on.
    case modern
    /// MD5 as well. For CPython up to 3.11 and billiard, which have nothing else.
    case compatible

    /// Whether the digest may be used.
    public func accepts(_ digest: DigestAlgorithm) -> Bool {
        self == .compatible || digest != .md5
    }
}

/// How a peer writes challenges and responses.
public enum AuthenticationDialect: Sendable {
    /// Without the name of a digest; it is MD5. CPython up to 3.11 and billiard.
    case legacy
    /// With the name of the digest in front. CPython from 3.12 on, and this package.
    case modern
}

/// How long a handshake may take unless the caller says otherwise: 10 s.
public var defaultHandshakeTimeout: Duration { .seconds(10) }
