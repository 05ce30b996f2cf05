import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Messages over connections")
struct RoundTripTests {
    static let sizes = [0, 1, 16384, 16385, 1 << 20, 8 << 20]

    @Test("messages of all sizes come as they were sent, over a socket and a pipe", arguments: sizes, [true, false])
    func roundTrip(count: Int, duplex: Bool) throws {
        let (receiver, sender) = try Connection.pipe(duplex: duplex)
        let message = pattern(count)
        for deadline in [Deadline.never, .generous] {
            let sending = try Background {
                try sender.send(message, until: deadline)
                try sender.send([1, 2, 3], until: deadline)
            }
            #expect(try receiver.receive(until: deadline) == message)
            #expect(try receiver.receive(until: deadline) == [1, 2, 3])
            try sending.get()
        }
        #expect(receiver.bufferedByteCount == 0)
    }

    @Test("the bytes on the wire are CPython's", arguments: [0, 5, 16384, 16385, 70_000], [true, false])
    func goldenBytes(count: Int, overSocket: Bool) throws {
        let peer = try overSocket ? RawPeer() : .writingPipe()
        let message = pattern(count)
        let sending = try Background { [connection = peer.connection] in try connection.send(message) }
        #expect(try peer.end.descriptor.readExactly(4 + count) == header(count) + message)
        try sending.get()
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
    }

    #if os(Linux)
        @Test("header and payload leave in one write, and a message without bytes is one write of four")
        func oneWrite() throws {
            // A sequenced-packet socket keeps writes apart.
            let pair = try SocketPair(.sequencedPacket)
            let connection = Connection(pair.first)
            for count in [0, 1, 16384, 16385] {
                try connection.send(pattern(count))
                #expect(try pair.second.descriptor.read(upTo: 1 << 20) == header(count) + pattern(count))
            }
        }
    #endif

    @Test("a part of an array is sent without being copied out")
    func parts() throws {
        let (receiver, sender) = try Connection.pipe()
        let bytes = pattern(1000)
        try sender.send(bytes.span.bytes.extracting(100..<300))
        #expect(try receiver.receive() == Array(bytes[100..<300]))
    }

    @Test("a message is received into a buffer that is large enough, and comes whole in the error where it is not")
    func intoBuffer() throws {
        let (receiver, sender) = try Connection.pipe()
        for count in [0, 10, 100_000] {
            let message = pattern(count)
            let sending = try Background { for _ in 0..<3 { try sender.send(message) } }
            var buffer = [UInt8](repeating: 0xee, count: count + 1)
            #expect(try receiver.receive(intoArray: &buffer) == count)
            #expect(buffer == message + [0xee])
            var exact = [UInt8](repeating: 0, count: count)
            #expect(try receiver.receive(intoArray: &exact) == count)
            #expect(exact == message)
            var short = [UInt8](repeating: 0xee, count: max(0, count - 1))
            if count == 0 {
                #expect(try receiver.receive() == [])
            } else {
                #expect(throws: FramingError.bufferTooShort(message: message)) {
                    try receiver.receive(intoArray: &short)
                }
                #expect(short.allSatisfy { $0 == 0xee })
            }
            try sending.get()
        }
        // Nothing is lost: the connection goes on.
        try sender.send([1])
        #expect(try receiver.receive() == [1])
    }

    @Test("one thread sends while another receives, in both directions at once")
    func bothDirections() throws {
        let (first, second) = try Connection.pipe()
        let count = 1 << 20
        let rounds = 8
        let send: @Sendable (Connection) throws -> Void = { connection in
            for round in 0..<rounds { try connection.send(pattern(count, seed: round)) }
        }
        let receive: @Sendable (Connection) throws -> Bool = { connection in
            try (0..<rounds).allSatisfy { try connection.receive(until: .generous) == pattern(count, seed: $0) }
        }
        let sendingThere = try Background { try send(first) }
        let sendingBack = try Background { try send(second) }
        let receivingThere = try Background { try receive(second) }
        #expect(try receive(first))
        #expect(try receivingThere.get())
        try sendingThere.get()
        try sendingBack.get()
    }

    @Test("messages of several writers and for several readers stay whole", arguments: [true, false])
    func writers(duplex: Bool) throws {
        let (receiver, sender) = try Connection.pipe(duplex: duplex)
        let rounds = 60
        let first = try Background { for _ in 0..<rounds { try sender.send([UInt8](repeating: 1, count: 100_000)) } }
        let second = try Background { for _ in 0..<rounds { try sender.send([UInt8](repeating: 2, count: 50_001)) } }
        let receive: @Sendable () throws -> [Int] = {
            try (0..<rounds).map { _ in
                let message = try receiver.receive(until: .generous)
                let isWhole =
                    message.allSatisfy { $0 == message[0] } && message.count == (message[0] == 1 ? 100_000 : 50_001)
                return isWhole ? Int(message[0]) : 0
            }
        }
        let third = try Background(receive)
        let seen = try receive() + third.get()
        try first.get()
        try second.get()
        #expect(seen.count { $0 == 1 } == rounds)
        #expect(seen.count { $0 == 2 } == rounds)
    }

    @Test("a connection works in a signal storm and over a fork")
    func signalStorm() throws {
        #expect(try runHelper("FramingHelper", ["storm"]) == .success)
    }
}
