import Auth

/// The bytes in hexadecimal, as the standards print them.
func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

/// The same bytes every time for the same seed, and in Python (see `DigestPythonTests`).
func pseudoRandomBytes(count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = (state * 1_103_515_245 + 12345) % (1 << 31)
        return UInt8(state >> 16 & 0xff)
    }
}

extension DigestAlgorithm {
    /// The hash function that should be behind the name.
    var function: any HashFunction.Type {
        switch self {
        case .md5: MD5.self
        case .sha256: SHA256.self
        case .sha384: SHA384.self
        case .sha3_256: SHA3_256.self
        case .sha3_384: SHA3_384.self
        }
    }
}
