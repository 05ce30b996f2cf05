import Auth
import Testing

@Suite("Digests: messages in pieces")
struct DigestStreamingTests {
    @Test(
        "a message in two or three pieces, cut anywhere, has the digest of the whole",
        arguments: DigestAlgorithm.allCases)
    func pieces(algorithm: DigestAlgorithm) {
        func check<Function: HashFunction>(_ type: Function.Type) -> [String] {
            let message = pseudoRandomBytes(count: 2 * Function.blockByteCount + 2, seed: 1)
            let whole = Function.hash(message)
            var wrong: [String] = []
            for first in 0...message.count {
                var one = Function()
                one.update(message.span.bytes.extracting(first: first))
                for second in first...message.count {
                    // With `second` at the end, or at `first`, these are two pieces, and an empty one.
                    var two = one
                    two.update(message.span.bytes.extracting(first..<second))
                    two.update(message.span.bytes.extracting(second..<message.count))
                    if two.finalize() != whole { wrong.append("cut at \(first) and \(second)") }
                }
            }
            return wrong
        }
        #expect(check(algorithm.function) == [])
    }

    @Test("a message byte by byte has the digest of the whole", arguments: DigestAlgorithm.allCases)
    func bytes(algorithm: DigestAlgorithm) {
        func check<Function: HashFunction>(_ type: Function.Type) {
            let message = pseudoRandomBytes(count: 3 * Function.blockByteCount + 1, seed: 2)
            var function = Function()
            for byte in message { function.update([byte]) }
            #expect(function.finalize() == Function.hash(message))
        }
        check(algorithm.function)
    }

    @Test("updates without bytes change nothing, wherever they come", arguments: DigestAlgorithm.allCases)
    func emptyUpdates(algorithm: DigestAlgorithm) {
        func check<Function: HashFunction>(_ type: Function.Type) {
            let block = Function.blockByteCount
            for count in [0, 1, block - 1, block, block + 1] {
                let message = pseudoRandomBytes(count: count, seed: 3)
                var function = Function()
                function.update([])
                function.update(message)
                function.update([])
                function.update([UInt8]().span.bytes)
                #expect(function.finalize() == Function.hash(message), "\(count) bytes")
            }
        }
        check(algorithm.function)
    }

    @Test("a copy goes its own way", arguments: DigestAlgorithm.allCases)
    func copies(algorithm: DigestAlgorithm) {
        func check<Function: HashFunction>(_ type: Function.Type) {
            let beginning = pseudoRandomBytes(count: Function.blockByteCount + 5, seed: 4)
            var original = Function()
            original.update(beginning)
            var copy = original
            copy.update([1, 2, 3])
            original.update([4])
            #expect(copy.finalize() == Function.hash(beginning + [1, 2, 3]))
            #expect(original.finalize() == Function.hash(beginning + [4]))
        }
        check(algorithm.function)
    }

    @Test("pieces that are not aligned in memory are read as they are", arguments: DigestAlgorithm.allCases)
    func misaligned(algorithm: DigestAlgorithm) {
        func check<Function: HashFunction>(_ type: Function.Type) {
            let bytes = pseudoRandomBytes(count: 4 * Function.blockByteCount, seed: 5)
            for start in 0..<16 {
                var function = Function()
                function.update(bytes.span.bytes.extracting(droppingFirst: start))
                #expect(function.finalize() == Function.hash(Array(bytes[start...])), "from \(start)")
            }
        }
        check(algorithm.function)
    }
}
