import TestSupport
import Testing

@testable import ResourceTracker

@Suite("LineDecoder") struct LineDecoderTests {
    private func lines(_ chunks: [[UInt8]]) -> [String?] {
        var decoder = LineDecoder()
        var lines: [String?] = []
        for chunk in chunks {
            decoder.append(chunk) { line in lines.append(line.map { String(decoding: $0, as: UTF8.self) }) }
        }
        return lines
    }

    @Test("lines are the same however the bytes are split")
    func splits() {
        let bytes = Array("one\n\ntwo:2\nthree\nrest".utf8)
        for size in 1...bytes.count {
            let chunks = stride(from: 0, to: bytes.count, by: size).map { start in
                Array(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(lines(chunks) == ["one", "", "two:2", "three"])
        }
        for first in 0...bytes.count {
            #expect(lines([Array(bytes[..<first]), Array(bytes[first...])]) == ["one", "", "two:2", "three"])
        }
    }

    @Test("a line that is too long is told as such once, and the next is read as usual", arguments: [1, 7, 4096])
    func tooLong(size: Int) {
        let bytes = Array((String(repeating: "x", count: 100_000) + "\nnext\n").utf8)
        let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        #expect(lines(chunks) == [nil, "next"])
    }

    @Test("random bytes, split at random, give what splitting at line ends gives")
    func random() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0...600, using: &generator)).map { _ in
                [UInt8(ascii: "\n"), UInt8(ascii: "a"), UInt8(ascii: ":")].randomElement(using: &generator)!
            }
            var chunks: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...20, using: &generator)
                chunks.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let expected = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            #expect(lines(chunks) == expected.map { String(decoding: $0, as: UTF8.self) })
        }
    }
}
