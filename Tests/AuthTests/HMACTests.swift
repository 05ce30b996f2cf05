import Auth
import Testing

@Suite("HMAC")
struct HMACTests {
    @Test("HMAC-MD5 gives the codes of RFC 2202, section 2", arguments: md5Vectors)
    func md5(vector: Vector) {
        #expect(hexadecimal(HMAC<MD5>.authenticationCode(for: vector.message, key: vector.key)) == vector.code)
    }

    @Test("HMAC-SHA-256 gives the codes of RFC 4231", arguments: zip(rfc4231Inputs, sha256Codes))
    func sha256(input: Vector, code: String) {
        let computed = hexadecimal(HMAC<SHA256>.authenticationCode(for: input.message, key: input.key))
        // The RFC prints only the first 128 bits of one of them.
        #expect(computed.prefix(code.count) == code)
    }

    @Test("HMAC-SHA-384 gives the codes of RFC 4231", arguments: zip(rfc4231Inputs, sha384Codes))
    func sha384(input: Vector, code: String) {
        let computed = hexadecimal(HMAC<SHA384>.authenticationCode(for: input.message, key: input.key))
        #expect(computed.prefix(code.count) == code)
    }

    @Test("HMAC with SHA-3 gives the codes of NIST's examples", arguments: sha3Vectors)
    func sha3(algorithm: DigestAlgorithm, vector: Vector) {
        #expect(hexadecimal(algorithm.authenticationCode(for: vector.message, key: vector.key)) == vector.code)
    }

    @Test("an algorithm's code is the HMAC of its function", arguments: DigestAlgorithm.allCases)
    func algorithms(algorithm: DigestAlgorithm) {
        func check<Function: HashFunction>(_ type: Function.Type) {
            let key = pseudoRandomBytes(count: 20, seed: 9)
            let message = pseudoRandomBytes(count: 100, seed: 10)
            #expect(
                algorithm.authenticationCode(for: message, key: key)
                    == HMAC<Function>.authenticationCode(for: message, key: key))
            #expect(HMAC<Function>.byteCount == algorithm.byteCount)
        }
        check(algorithm.function)
    }

    @Test("a message in two pieces, cut anywhere, has the code of the whole", arguments: DigestAlgorithm.allCases)
    func pieces(algorithm: DigestAlgorithm) {
        func check<Function: HashFunction>(_ type: Function.Type) {
            let message = pseudoRandomBytes(count: 2 * Function.blockByteCount + 2, seed: 11)
            // One state for all of them: a copy goes its own way.
            let keyed = HMAC<Function>(key: [1, 2, 3])
            let whole = HMAC<Function>.authenticationCode(for: message, key: [1, 2, 3])
            for cut in 0...message.count {
                var code = keyed
                code.update(Array(message[..<cut]))
                code.update(message.span.bytes.extracting(droppingFirst: cut))
                #expect(code.finalize() == whole, "cut at \(cut)")
            }
        }
        check(algorithm.function)
    }

    @Test(
        "a key that is longer than a block stands for its digest, one of a block for itself",
        arguments: DigestAlgorithm.allCases)
    func longKeys(algorithm: DigestAlgorithm) {
        let blockByteCount = algorithm.function.blockByteCount
        let block = pseudoRandomBytes(count: blockByteCount, seed: 12)
        let long = block + [1]
        let message = Array("a message".utf8)
        func code(_ key: [UInt8]) -> [UInt8] { algorithm.authenticationCode(for: message, key: key) }
        #expect(code(long) == code(algorithm.hash(long)))
        #expect(code(block) != code(algorithm.hash(block)))
        // Padding with zeros is what RFC 2104 does to shorter keys.
        #expect(code(Array(block.dropLast())) == code(Array(block.dropLast()) + [0]))
    }

    @Test("the caller's key is left as it was", arguments: DigestAlgorithm.allCases)
    func keyIsUntouched(algorithm: DigestAlgorithm) {
        for count in [0, 1, algorithm.function.blockByteCount, algorithm.function.blockByteCount + 1] {
            let key = pseudoRandomBytes(count: count, seed: 13)
            _ = algorithm.authenticationCode(for: [1], key: key)
            #expect(key == pseudoRandomBytes(count: count, seed: 13))
        }
    }
}
