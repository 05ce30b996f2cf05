import FDPassing
import Syscalls
import TestSupport
import Testing

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@Suite("Descriptors inside values")
struct PassedDescriptorTests {
    private struct Message: Codable {
        var text: String
        var descriptors: [PassedDescriptor]
    }

    @Test("a value's descriptors are sent beside it and found again in what is decoded")
    func thereAndBack() throws {
        let directory = try TemporaryDirectory()
        let files = try ["a", "b"].map { name in
            PassedDescriptor(try directory.create(name, Array(name.utf8)))
        }
        let encoder = JSONEncoder()
        let outgoing = OutgoingDescriptors()
        let bytes = try outgoing.whileEncoding { try encoder.encode(Message(text: "two files", descriptors: files)) }
        #expect(outgoing.descriptors == files.compactMap(\.descriptor))

        let pair = try SocketPair()
        try pair.first.descriptor.sendDescriptors(outgoing.descriptors)
        outgoing.removeAll()
        #expect(outgoing.descriptors == [])
        let decoder = JSONDecoder()
        let incoming = IncomingDescriptors(try pair.second.descriptor.receiveDescriptors(2))
        let message = try incoming.whileDecoding { try decoder.decode(Message.self, from: bytes) }
        #expect(message.text == "two files")
        let texts = try message.descriptors.map { passed in
            let descriptor = try #require(passed.descriptor)
            return String(decoding: try descriptor.readToEnd(), as: UTF8.self)
        }
        #expect(texts == ["a", "b"])
    }

    @Test("encoding one anywhere but in a message that carries descriptors is an error, and so is decoding")
    func noCarrier() throws {
        let pipe = try Pipe()
        let passed = PassedDescriptor(pipe.readEnd)
        #expect(throws: EncodingError.self) { try JSONEncoder().encode([passed]) }
        let error = #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([PassedDescriptor].self, from: JSONEncoder().encode([0]))
        }
        guard case .dataCorrupted(let context) = error else {
            Issue.record("\(String(describing: error)) is another error")
            return
        }
        #expect(context.debugDescription.contains("a message that carried descriptors"))
        #expect(passed.descriptor?.isOpen == true)
    }

    @Test("a place that is none, or that is used twice, is an error", arguments: [[1], [-1], [0, 0]])
    func wrongPlaces(places: [Int]) throws {
        var batch = DescriptorBatch()
        batch.append(try OwnedFileDescriptor.open("/dev/null", .readOnly))
        let incoming = IncomingDescriptors(batch)
        #expect(throws: DecodingError.self) {
            try incoming.whileDecoding {
                try JSONDecoder().decode([PassedDescriptor].self, from: JSONEncoder().encode(places))
            }
        }
    }

    @Test("a descriptor is taken out once, and one that was is not sent")
    func taking() throws {
        let pipe = try Pipe()
        let passed = PassedDescriptor(pipe.readEnd)
        let number = passed.descriptor
        guard let owned = passed.take() else {
            Issue.record("it cannot be taken")
            return
        }
        #expect(owned.descriptor == number)
        #expect(passed.descriptor == nil)
        let isGone = passed.take() == nil
        #expect(isGone)
        #expect(throws: EncodingError.self) {
            try OutgoingDescriptors().whileEncoding { try JSONEncoder().encode([passed]) }
        }
    }

    @Test("a duplicate leaves the original to its owner")
    func duplicating() throws {
        let pipe = try Pipe()
        let passed = try PassedDescriptor(duplicating: pipe.readEnd.descriptor)
        #expect(passed.descriptor != pipe.readEnd.descriptor)
        #expect(try passed.descriptor?.status().identity == pipe.readEnd.descriptor.status().identity)
        #expect(throws: Errno.badFileDescriptor) {
            try PassedDescriptor(duplicating: FileDescriptor(rawValue: -1))
        }
    }
}
