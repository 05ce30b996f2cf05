import FDPassing
import Framing
import MessageCoding
import Syscalls
import TestSupport
import Testing

/// One integer a message, as decimal digits: a coder of somebody else's.
private struct DecimalCoder: MessageCoder {
    struct NotDecimal: Error, Equatable {
        var text: String
    }

    func encode(_ value: some Encodable) throws -> CodedMessage {
        guard let number = value as? Int else { throw NotDecimal(text: "\(value)") }
        return CodedMessage(bytes: Array("\(number)".utf8))
    }

    func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], takingDescriptors descriptors: (Int) throws -> DescriptorBatch
    ) throws -> Value {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let number = Int(text), let value = number as? Value else { throw NotDecimal(text: text) }
        return value
    }
}

/// Says in its first byte how many descriptors come, and decodes to that number once they have been taken.
private struct CountingCoder: MessageCoder {
    func encode(_ value: some Encodable) throws -> CodedMessage { CodedMessage(bytes: []) }

    func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], takingDescriptors descriptors: (Int) throws -> DescriptorBatch
    ) throws -> Value {
        try descriptors(Int(bytes[0])).count as! Value
    }
}

@Suite("Coders of one's own")
struct CustomCoderTests {
    @Test("messages are what the coder makes of the values")
    func bytes() throws {
        let (first, second) = try Connection.pipe()
        let sender = MessageConnection(first, coder: DecimalCoder())
        let receiver = MessageConnection(second, coder: DecimalCoder())
        try sender.send(-42)
        #expect(try second.receive(until: .generous) == Array("-42".utf8))
        try sender.send(7)
        #expect(try receiver.receive(Int.self, until: .generous) == 7)
    }

    @Test("what the coder throws is thrown: nothing is sent, or the message is gone and the next one comes")
    func errors() throws {
        let (first, second) = try Connection.pipe()
        let sender = MessageConnection(first, coder: DecimalCoder())
        let receiver = MessageConnection(second, coder: DecimalCoder())
        #expect(throws: DecimalCoder.NotDecimal(text: "text")) { try sender.send("text") }
        #expect(try !second.poll())
        try first.send(Array("seven".utf8))
        try sender.send(1)
        try sender.send(2)
        #expect(throws: DecimalCoder.NotDecimal(text: "seven")) { try receiver.receive(Int.self, until: .generous) }
        #expect(throws: DecimalCoder.NotDecimal(text: "1")) { try receiver.receive(String.self, until: .generous) }
        #expect(try receiver.receive(Int.self, until: .generous) == 2)
    }

    @Test("a coder takes descriptors that came with its message")
    func descriptors() throws {
        let pair = try SocketPair()
        let sender = Connection(pair.first)
        let receiver = MessageConnection(Connection(pair.second, descriptorLimit: 3), coder: CountingCoder())
        let pipe = try Pipe()
        try sender.send([2], passing: [pipe.readEnd.descriptor, pipe.readEnd.descriptor])
        try sender.send([0])
        try sender.send([1])
        #expect(try receiver.receive(Int.self, until: .generous) == 2)
        #expect(try receiver.receive(Int.self, until: .generous) == 0)
        #expect(throws: FramingError.missingDescriptors(expected: 1, arrived: 0)) {
            try receiver.receive(Int.self, until: .generous)
        }
        try sender.send([1], passing: [pipe.readEnd.descriptor])
        #expect(try receiver.receive(Int.self, until: .generous) == 1)
    }
}
