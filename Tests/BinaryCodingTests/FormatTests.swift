import BinaryCoding
import Testing

@Suite("The format")
struct FormatTests {
    @Test("scalars are spelled as the format says")
    func scalars() throws {
        #expect(try encoded(Int?.none) == [0x00, 0])
        #expect(try encoded(false) == [0x01, 0])
        #expect(try encoded(true) == [0x02, 0])
        #expect(try encoded(Nothing()) == [0x07, 0, 0])
        #expect(try encoded(Custom { _ in }) == [0x03, 0])
        #expect(try encoded(Float(1)) == [0x04, 0, 0, 0x80, 0x3F, 0])
        #expect(try encoded(1.0) == [0x05, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0])
        #expect(try encoded(0) == [0x80, 0])
        #expect(try encoded(UInt8(127)) == [0xFF, 0])
        #expect(try encoded(128) == [0x10, 128, 0])
        #expect(try encoded(Int16(256)) == [0x11, 0, 1, 0])
        #expect(try encoded(-1) == [0x18, 0, 0])
        #expect(try encoded(Int64.min) == [0x1F, 255, 255, 255, 255, 255, 255, 255, 127, 0])
        #expect(try encoded(UInt64.max) == [0x17, 255, 255, 255, 255, 255, 255, 255, 255, 0])
        #expect(try encoded(Int128(1) << 64) == [0x09, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(try encoded(UInt128.max) == [0x0A] + [UInt8](repeating: 255, count: 16) + [0])
        #expect(try encoded("hé") == [0x43, 0x68, 0xC3, 0xA9, 0])
        #expect(try encoded(String(repeating: "a", count: 64)) == [0x06, 64] + [UInt8](repeating: 97, count: 64) + [0])
    }

    @Test("containers are spelled as the format says")
    func containers() throws {
        #expect(try encoded([true, false]) == [0x08, 2, 2, 1, 0])
        #expect(try encoded([[String]]()) == [0x08, 0, 0])
        #expect(try encoded([UInt8(1), 2]) == [0x24, 2, 1, 2, 0])
        #expect(try encoded([1]) == [0x23, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(try encoded([Float(1)]) == [0x28, 4, 0, 0, 0x80, 0x3F, 0])
        #expect(
            try encoded(Person(id: 1, name: "x", score: 0))
                == [0x07, 15, 0, 0x81, 1, 0x41, 0x78, 2, 0x05, 0, 0, 0, 0, 0, 0, 0, 0]
                + [3, 2] + Array("id".utf8) + [4] + Array("name".utf8) + [5] + Array("score".utf8))
    }

    @Test("a repeated key is spelled once")
    func repeatedKeys() throws {
        let one = try encoded([["key": true]])
        #expect(one == [0x08, 4, 0x07, 2, 0, 2, 1, 3] + Array("key".utf8))
        let two = try encoded([["key": true], ["key": true]])
        #expect(two == [0x08, 8, 0x07, 2, 0, 2, 0x07, 2, 0, 2, 1, 3] + Array("key".utf8))
        let people = (0..<100).map { Person(id: $0, name: "n", score: 0) }
        #expect(try encoded(people).count < 100 * 18 + 30)
    }

    @Test("lengths of more than one byte are spelled as the format says")
    func lengths() throws {
        #expect(try encoded([Bool](repeating: true, count: 247)).prefix(3) == [0x08, 247, 2])
        #expect(try encoded([Bool](repeating: true, count: 248)).prefix(4) == [0x08, 248, 248, 2])
        #expect(try encoded([Bool](repeating: true, count: 0x1234)).prefix(5) == [0x08, 249, 0x34, 0x12, 2])
        #expect(try encoded([UInt8](repeating: 1, count: 248)).prefix(4) == [0x24, 248, 248, 1])
    }
}
