import Auth
import Testing

// That the time is constant is not tested: on a shared machine such a test says nothing, or fails for no reason.
@Suite("Comparison in constant time")
struct DigestComparisonTests {
    @Test("equal bytes are equal", arguments: [0, 1, 16, 32, 48, 1000])
    func equal(count: Int) {
        let bytes = pseudoRandomBytes(count: count, seed: 6)
        #expect(constantTimeEqual(bytes, bytes))
        #expect(constantTimeEqual(bytes, bytes.map { $0 }))
    }

    @Test("one bit anywhere makes a difference")
    func oneBit() {
        let bytes = pseudoRandomBytes(count: 48, seed: 7)
        for index in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[index] ^= 1 << UInt8(bit)
                #expect(!constantTimeEqual(bytes, other))
                #expect(!constantTimeEqual(other, bytes))
            }
        }
    }

    @Test("differences do not cancel one another out")
    func severalDifferences() {
        #expect(!constantTimeEqual([1, 1], [0, 0]))
        #expect(!constantTimeEqual([1, 2, 3], [3, 2, 1]))
        #expect(!constantTimeEqual([0x80, 0x80], [0, 0]))
    }

    @Test("a beginning is not the whole")
    func lengths() {
        let bytes = pseudoRandomBytes(count: 32, seed: 8)
        #expect(!constantTimeEqual(bytes, Array(bytes.dropLast())))
        #expect(!constantTimeEqual(bytes, bytes + [0]))
        #expect(!constantTimeEqual([], [0]))
    }
}
