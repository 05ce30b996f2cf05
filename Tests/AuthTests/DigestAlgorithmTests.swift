import Auth
import Testing

@Suite("Digest algorithms")
struct DigestAlgorithmTests {
    @Test("the names are those on the wire")
    func names() {
        #expect(DigestAlgorithm.allCases.map(\.rawValue) == ["md5", "sha256", "sha384", "sha3_256", "sha3_384"])
    }

    @Test("any other name is none", arguments: ["", "MD5", "sha1", "sha512", "sha3-256", "sha256 ", " md5", "md5\0"])
    func otherNames(name: String) {
        #expect(DigestAlgorithm(rawValue: name) == nil)
    }

    @Test("an algorithm is the hash function of its name", arguments: DigestAlgorithm.allCases)
    func functions(algorithm: DigestAlgorithm) {
        let message = Array("a message".utf8)
        #expect(algorithm.hash(message) == algorithm.function.hash(message))
        #expect(algorithm.byteCount == algorithm.function.byteCount)
        #expect(algorithm.hash(message).count == algorithm.byteCount)
        #expect(algorithm.authenticationCode(for: message, key: [1]).count == algorithm.byteCount)
    }

    @Test("digests and blocks have the sizes of the standards")
    func sizes() {
        #expect(DigestAlgorithm.allCases.map(\.byteCount) == [16, 32, 48, 32, 48])
        #expect(DigestAlgorithm.allCases.map { $0.function.blockByteCount } == [64, 64, 128, 136, 104])
    }
}
