import Framing
import TestSupport
import Testing

@Suite("Encoding frames")
struct FrameEncoderTests {
    @Test("a message is its length in four bytes, in network order, and its bytes")
    func bytes() {
        var encoder = FrameEncoder()
        #expect(encoder.bytes == [])
        encoder.append([])
        #expect(encoder.bytes == [0, 0, 0, 0])
        encoder.append([7, 8, 9])
        encoder.append([UInt8(1), 2, 3].span.bytes.extracting(1..<2))
        #expect(encoder.bytes == [0, 0, 0, 0, 0, 0, 0, 3, 7, 8, 9, 0, 0, 0, 1, 2])
        encoder.append(pattern(0x01_0203))
        let large = encoder.bytes[16...]
        #expect(large.count == 4 + 0x01_0203)
        #expect(Array(large.prefix(4)) == [0, 1, 2, 3])
        #expect(Array(large.dropFirst(4)) == pattern(0x01_0203))
    }

    @Test("what was written is dropped, and the rest stays")
    func dropping() {
        var encoder = FrameEncoder()
        encoder.dropFirst(0)
        encoder.append([1, 2])
        encoder.dropFirst(0)
        #expect(encoder.bytes == [0, 0, 0, 2, 1, 2])
        encoder.dropFirst(5)
        encoder.append([3])
        #expect(encoder.bytes == [2, 0, 0, 0, 1, 3])
        encoder.dropFirst(6)
        #expect(encoder.bytes == [])
        encoder.append([])
        #expect(encoder.bytes == [0, 0, 0, 0])
    }

    @Test("a decoder gets the messages back, however they are split on their way", arguments: 0..<40 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let messages = (0..<30).map { index in
            pattern([0, 1, 4, 500, 32_764, 70_000][Int.random(in: 0..<6, using: &generator)], seed: index)
        }
        var encoder = FrameEncoder()
        var decoder = FrameDecoder()
        var decoded: [[UInt8]] = []
        var rest = messages[...]
        while !rest.isEmpty || !encoder.bytes.isEmpty {
            if let message = rest.first, encoder.bytes.isEmpty || Bool.random(using: &generator) {
                encoder.append(message)
                rest = rest.dropFirst()
            }
            let most = [1, 5, 3000, 100_000][Int.random(in: 0..<4, using: &generator)]
            let count = Int.random(in: 0...min(most, encoder.bytes.count), using: &generator)
            decoder.append(encoder.bytes.span.bytes.extracting(0..<count))
            encoder.dropFirst(count)
            while let message = try decoder.next() { decoded.append(message) }
        }
        #expect(decoded == messages)
        #expect(decoder.isAtBoundary)
    }

    @Test("a connection understands what was encoded, and a decoder what a connection sends")
    func connections() throws {
        let peer = try RawPeer()
        let messages = [[], [1], pattern(5000)] as [[UInt8]]
        var encoder = FrameEncoder()
        for message in messages { encoder.append(message) }
        try peer.write(encoder.bytes)
        for message in messages { #expect(try peer.connection.receive(until: .generous) == message) }
        for message in messages { try peer.connection.send(message) }
        #expect(try peer.end.descriptor.readExactly(encoder.bytes.count) == encoder.bytes)
    }
}
