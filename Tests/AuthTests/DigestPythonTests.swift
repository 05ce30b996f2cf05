import Auth
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Peers are Python programs: what they compute is what has to be computed here.
@Suite("Digests: against Python", .enabled(if: PythonReference.isInstalled, "python3 is not installed"))
struct DigestPythonTests {
    @Test("hashlib and hmac agree on messages and keys of every length", arguments: DigestAlgorithm.allCases)
    func digests(algorithm: DigestAlgorithm) throws {
        let lengths = 0...(2 * algorithm.function.blockByteCount + 2)
        let expected = try #require(try PythonReference.answers.get()[algorithm.rawValue])
        // Also true only if Python has the same block size.
        try #require(expected.count == lengths.count)
        for length in lengths {
            let message = pseudoRandomBytes(count: length, seed: UInt64(length + 1))
            let key = pseudoRandomBytes(count: 7 * length % lengths.count, seed: UInt64(length + 1000))
            let digest = hexadecimal(algorithm.hash(message))
            let code = hexadecimal(algorithm.authenticationCode(for: message, key: key))
            #expect("\(algorithm.rawValue) \(length) \(digest) \(code)" == expected[length])
        }
    }

    @Test("Python answers for these algorithms and no others")
    func algorithms() throws {
        let names = try PythonReference.answers.get().keys.sorted()
        #expect(names == DigestAlgorithm.allCases.map(\.rawValue).sorted())
    }
}

private enum PythonReference {
    struct Failure: Error {
        var status: Int32
        var output: String
    }

    static let isInstalled = run("command -v python3").status == 0

    /// The lines that one Python process printed, by their first words, in the order in which they came.
    static let answers = Result<[String: [String]], any Error> {
        let (status, output) = run("python3 - <<'END'\n\(program)\nEND")
        guard status == 0 else { throw Failure(status: status, output: output) }
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.last == "" else { throw Failure(status: status, output: output) }
        return Dictionary(grouping: lines.dropLast()) { String($0.prefix { $0 != " " }) }
    }

    /// For each algorithm and each length of the message: name, length, digest, HMAC.
    private static let program = """
        import hashlib, hmac

        def pseudo_random_bytes(count, seed):
            result = bytearray()
            for _ in range(count):
                seed = (seed * 1103515245 + 12345) % (1 << 31)
                result.append(seed >> 16 & 0xff)
            return bytes(result)

        for name in ["md5", "sha256", "sha384", "sha3_256", "sha3_384"]:
            lengths = range(2 * hashlib.new(name).block_size + 3)
            for length in lengths:
                message = pseudo_random_bytes(length, length + 1)
                key = pseudo_random_bytes(7 * length % len(lengths), length + 1000)
                digest = hashlib.new(name, message).hexdigest()
                print(name, length, digest, hmac.new(key, message, name).hexdigest())
        """

    /// Runs a shell command and returns its wait status, and what it wrote to its standard output.
    private static func run(_ command: String) -> (status: Int32, output: String) {
        guard let stream = popen(command, "r") else { return (-1, "popen: errno \(errno)") }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&buffer, 1, buffer.count, stream)
            if count == 0 { break }
            output += buffer[..<count]
        }
        return (pclose(stream), String(decoding: output, as: UTF8.self))
    }
}
