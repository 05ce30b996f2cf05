import Framing
import TestSupport
import Testing

@Suite("Decoding frames")
struct FrameDecoderTests {
    /// Around what the decoder treats differently: nothing, a header, the peers' single write, its own buffer.
    private static let boundaries = [0, 1, 4, 12, 16384, 32768 - 4, 32768, 65536]

    private func messages(_ generator: inout SeededGenerator) -> [[UInt8]] {
        (0..<Int.random(in: 1...12, using: &generator)).map { index in
            let near = Self.boundaries.randomElement(using: &generator)!
            return pattern(max(0, near + Int.random(in: -2...2, using: &generator)), seed: index)
        }
    }

    private func encoded(_ messages: [[UInt8]]) -> [UInt8] {
        messages.flatMap { header($0.count) + $0 }
    }

    /// How many bytes come at once.
    private func step(_ generator: inout SeededGenerator) -> Int {
        let largest = [1, 5, 100, 5000, 40_000, 200_000].randomElement(using: &generator)!
        return Int.random(in: 1...largest, using: &generator)
    }

    @Test("any split of the bytes gives the same messages, taken as they come", arguments: 0..<60 as Range<UInt64>)
    func append(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let messages = messages(&generator)
        let bytes = encoded(messages)
        var decoder = FrameDecoder()
        var decoded: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(step(&generator)))
            rest = rest.dropFirst(part.count)
            decoder.append(part.span.bytes)
            // Not after each part: several messages may wait.
            if Bool.random(using: &generator) { while let message = try decoder.next() { decoded.append(message) } }
        }
        while let message = try decoder.next() { decoded.append(message) }
        #expect(decoded == messages)
        #expect(decoder.isAtBoundary)
        #expect(decoder.bufferedByteCount == 0)
        #expect(decoder.missingByteCount == 0)
    }

    @Test(
        "any split of the bytes gives the same messages, read into the place offered",
        arguments: 0..<60 as Range<UInt64>)
    func fill(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed + 1000)
        let messages = messages(&generator)
        let bytes = encoded(messages)
        var decoder = FrameDecoder()
        var decoded: [[UInt8]] = []
        var room = [UInt8](repeating: 0, count: bytes.count)
        var position = 0
        while position < bytes.count {
            let wanted = step(&generator)
            let filled = decoder.fill { space in
                let count = min(space.count, wanted, bytes.count - position)
                space.copyBytes(from: bytes[position..<position + count])
                return count
            }
            #expect(filled > 0)
            position += filled
            if seed.isMultiple(of: 2) {
                while let message = try decoder.next() { decoded.append(message) }
            } else {
                while let count = try room.withUnsafeMutableBytes({ try decoder.next(into: $0, limit: .max) }) {
                    decoded.append(Array(room[..<count]))
                }
            }
        }
        #expect(decoded == messages)
        #expect(decoder.isAtBoundary)
    }

    @Test("how many bytes are missing is told at every place of a short and a long message", arguments: [10, 40_000])
    func missing(count: Int) throws {
        let bytes = encoded([pattern(count)])
        for split in [1, 2, 3, 4, 5, bytes.count / 2, bytes.count - 1] {
            var decoder = FrameDecoder()
            decoder.append(Array(bytes[..<split]).span.bytes)
            #expect(try decoder.next() == nil)
            #expect(decoder.missingByteCount == (split < 4 ? 4 - split : bytes.count - split))
            #expect(!decoder.isAtBoundary)
            decoder.append(Array(bytes[split...]).span.bytes)
            #expect(decoder.missingByteCount == 0)
            #expect(try decoder.next()?.count == count)
        }
    }

    @Test("a long header is as good as a short one, whatever the length in it", arguments: [0, 5, 100_000])
    func longHeader(count: Int) throws {
        let bytes = longHeaderBytes(UInt64(count)) + pattern(count)
        for split in [1, 4, 8, 11, 12] {
            var decoder = FrameDecoder()
            decoder.append(Array(bytes[..<split]).span.bytes)
            // Of a header that is not complete only the rest of the header is known.
            let expected = split < 4 ? 4 - split : split < 12 ? 12 - split : count
            if split < 12 || count > 0 { #expect(try decoder.next() == nil) }
            #expect(decoder.missingByteCount == expected)
            decoder.append(Array(bytes[split...]).span.bytes)
            #expect(try decoder.next() == pattern(count))
            #expect(decoder.isAtBoundary)
        }
    }

    @Test("a negative length is an error, and so is one that no memory could hold")
    func malformed() {
        for (bytes, length) in [
            ([0xff, 0xff, 0xff, 0xfe] as [UInt8], -2), ([0x80, 0, 0, 0], Int(Int32.min)),
            (longHeaderBytes(.max), -1), (longHeaderBytes(1 << 63), Int.min),
            (longHeaderBytes(UInt64(Int.max)), Int.max),
        ] {
            var decoder = FrameDecoder()
            decoder.append(bytes.span.bytes)
            #expect(throws: FramingError.malformedHeader(length: length)) { try decoder.next() }
            // It does not become better by asking again.
            #expect(throws: FramingError.malformedHeader(length: length)) { try decoder.next() }
        }
    }

    @Test("a message over the limit is an error as soon as its header is there, before memory is taken")
    func limits() throws {
        for length in [101, 1 << 20, Int(Int32.max), 1 << 62] {
            var decoder = FrameDecoder()
            decoder.append((length > Int32.max ? longHeaderBytes(UInt64(length)) : header(length)).span.bytes)
            #expect(throws: FramingError.messageTooLong(length: length, limit: 100)) { try decoder.next(limit: 100) }
        }
        var decoder = FrameDecoder()
        decoder.append((header(100) + pattern(100)).span.bytes)
        #expect(try decoder.next(limit: 100) == pattern(100))
        decoder.append((header(0)).span.bytes)
        #expect(try decoder.next(limit: 0) == [])
        // Also when the message had begun under a higher limit.
        decoder.append((header(100_000) + pattern(50_000)).span.bytes)
        #expect(try decoder.next() == nil)
        #expect(throws: FramingError.messageTooLong(length: 100_000, limit: 99_999)) { try decoder.next(limit: 99_999) }
    }

    @Test("without a limit a header alone, however large, takes no memory and is no trap")
    func hugeHeader() throws {
        let largest = Int.max - 12
        var decoder = FrameDecoder()
        decoder.append(longHeaderBytes(UInt64(largest)).span.bytes)
        #expect(try decoder.next() == nil)
        #expect(decoder.missingByteCount == largest)
        decoder.append(pattern(100_000).span.bytes)
        #expect(try decoder.next() == nil)
        #expect(decoder.bufferedByteCount == 100_000)
        #expect(decoder.missingByteCount == largest - 100_000)
    }

    @Test("more than is taken at once for a message may have come before anybody asked for it")
    func appendedAhead() throws {
        let count = 80 << 20
        let message = [UInt8](repeating: 7, count: count)
        var decoder = FrameDecoder()
        decoder.append(header(count).span.bytes)
        decoder.append(message.span.bytes.extracting(0..<count - 1))
        #expect(try decoder.next() == nil)
        #expect(decoder.missingByteCount == 1)
        decoder.append([8].span.bytes)
        let decoded = try #require(try decoder.next())
        #expect(decoded.count == count)
        #expect(decoded.last == 8)
        #expect(decoded[count - 2] == 7)
    }

    @Test("headers have CPython's bytes")
    func headers() {
        #expect(bytes(of: FrameHeader(length: 0)) == [0, 0, 0, 0])
        #expect(bytes(of: FrameHeader(length: 0x0102_0304)) == [1, 2, 3, 4])
        #expect(bytes(of: FrameHeader(length: Int(Int32.max))) == [0x7f, 0xff, 0xff, 0xff])
        #expect(
            bytes(of: FrameHeader(length: Int(Int32.max) + 1))
                == [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x80, 0, 0, 0])
    }

    private func bytes(of header: FrameHeader) -> [UInt8] {
        (0..<header.byteCount).map { header.bytes[$0] }
    }
}

/// A short header, spelled out apart from the module's own code.
func header(_ count: Int) -> [UInt8] {
    withUnsafeBytes(of: Int32(count).bigEndian) { Array($0) }
}

func longHeaderBytes(_ count: UInt64) -> [UInt8] {
    [0xff, 0xff, 0xff, 0xff] + withUnsafeBytes(of: count.bigEndian) { Array($0) }
}
