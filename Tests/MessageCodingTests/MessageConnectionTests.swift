import FDPassing
import Framing
import MessageCoding
import Syscalls
import TestSupport
import Testing

@Suite("Connections that carry values")
struct MessageConnectionTests {
    private struct Point: Codable, Equatable {
        var x: Int
        var label: String?
    }

    @Test("a value that is sent is the value that is received")
    func roundTrip() throws {
        let (first, second) = try Connection.pipe()
        let sender = MessageConnection(first)
        let receiver = MessageConnection(second)
        try sender.send(["a": [1, 2], "b": []])
        try sender.send("text")
        try sender.send([Point(x: -1, label: nil), Point(x: .max, label: "é")])
        try sender.send(Int?.none)
        #expect(try receiver.receive([String: [Int]].self, until: .generous) == ["a": [1, 2], "b": []])
        let text: String = try receiver.receive(until: .generous)
        #expect(text == "text")
        #expect(
            try receiver.receive([Point].self, until: .generous) == [
                Point(x: -1, label: nil), Point(x: .max, label: "é"),
            ])
        #expect(try receiver.receive(Int?.self, until: .generous) == nil)
    }

    @Test("a message of another type, or of no type at all, is an error, and the next one comes")
    func garbage() throws {
        let (first, second) = try Connection.pipe()
        let receiver = MessageConnection(second)
        for bytes in [[], [0], [0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0, 0xff, 0xff], pattern(1000, seed: 3)] {
            try first.send(bytes)
        }
        try MessageConnection(first).send("text")
        try MessageConnection(first).send([1, 2])
        for _ in 0..<6 {
            #expect(throws: (any Error).self) { try receiver.receive([String: Int].self, until: .generous) }
        }
        #expect(throws: DecodingError.self) { try receiver.receive([Int: Point].self, until: .generous) }
        #expect(try receiver.receive([Int].self, until: .generous) == [1, 2])
    }

    @Test("a message that claims descriptors that did not come is an error, and the next one comes")
    func claimed() throws {
        let pair = try SocketPair()
        let sender = Connection(pair.first)
        let receiver = MessageConnection(Connection(pair.second, descriptorLimit: 3))
        try sender.send([0, 0, 0, 1, 0])
        try sender.send([0xff, 0xff, 0xff, 0xff, 0])
        try MessageConnection(sender).send(7)
        #expect(throws: FramingError.missingDescriptors(expected: 1, arrived: 0)) {
            try receiver.receive(Int.self, until: .generous)
        }
        #expect(throws: FramingError.missingDescriptors(expected: 0xffff_ffff, arrived: 0)) {
            try receiver.receive(Int.self, until: .generous)
        }
        #expect(try receiver.receive(Int.self, until: .generous) == 7)
    }

    @Test("a value that cannot be encoded is an error, and nothing of it is sent")
    func notEncodable() throws {
        struct Refused: Error, Equatable {}
        struct Value: Encodable {
            func encode(to encoder: any Encoder) throws { throw Refused() }
        }
        let (first, second) = try Connection.pipe()
        #expect(throws: Refused()) { try MessageConnection(first).send(Value()) }
        #expect(throws: Refused()) { try MessageConnection(first).send([Value()]) }
        #expect(try !second.poll())
        let pipe = try Pipe()
        let taken = PassedDescriptor(pipe.readEnd)
        _ = taken.take()
        #expect(throws: EncodingError.self) { try MessageConnection(first).send(taken) }
        #expect(try !second.poll())
        try MessageConnection(first).send(1)
        #expect(try MessageConnection(second).receive(Int.self, until: .generous) == 1)
    }

    @Test("limits and deadlines are those of the connection")
    func limits() throws {
        let (first, second) = try Connection.pipe()
        let receiver = MessageConnection(second)
        #expect(throws: FramingError.timedOut) { try receiver.receive(Int.self, until: .after(.milliseconds(5))) }
        try second.setBlocking(false)
        #expect(throws: FramingError.timedOut) { try receiver.receive(Int.self) }
        try MessageConnection(first).send(pattern(1000))
        #expect(throws: FramingError.self) { try receiver.receive([UInt8].self, limit: 100) }
        let (third, fourth) = try Connection.pipe()
        let message = pattern(8 << 20)
        let error = #expect(throws: FramingError.self) {
            try MessageConnection(third).send(message, until: .after(.milliseconds(5)))
        }
        guard case .partlySent = error else { throw error! }
        #expect(!fourth.isClosed)
    }

    @Test("values of many threads are not mixed, nor what travels beside them")
    func threads() throws {
        let pair = try SocketPair()
        let sender = MessageConnection(Connection(pair.first))
        let receiver = MessageConnection(Connection(pair.second, descriptorLimit: 1000))
        let count = 400
        let sending = try Background {
            for number in 0..<count {
                let pipe = try Pipe()
                try pipe.writeEnd.descriptor.writeAll([UInt8(truncatingIfNeeded: number)])
                try sender.send(Numbered(number: number, pipe: PassedDescriptor(pipe.readEnd)), until: .generous)
            }
        }
        let receive: @Sendable () throws -> [Int] = {
            try (0..<count / 4).map { _ in
                let value = try receiver.receive(Numbered.self, until: .generous)
                guard let end = value.pipe.take() else { throw Errno.badFileDescriptor }
                #expect(try end.descriptor.readExactly(1) == [UInt8(truncatingIfNeeded: value.number)])
                return value.number
            }
        }
        let first = try Background(receive)
        let second = try Background(receive)
        let third = try Background(receive)
        let fourth = try Background(receive)
        let numbers = try first.get() + second.get() + third.get() + fourth.get()
        #expect(numbers.sorted() == Array(0..<count))
        try sending.get()
    }

    private struct Numbered: Codable {
        var number: Int
        var pipe: PassedDescriptor
    }
}
