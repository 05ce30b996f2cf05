import FDPassing
import Syscalls
import TestSupport
import Testing

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@Suite("Descriptors by position and by name")
struct PassedDescriptorsTests {
    private func descriptor() throws -> PassedDescriptor {
        PassedDescriptor(try OwnedFileDescriptor.open("/dev/null", .readOnly))
    }

    @Test("one is found by its position, and by its name if it has one")
    func lookup() throws {
        let (first, second, third, fourth) = try (descriptor(), descriptor(), descriptor(), descriptor())
        var all = PassedDescriptors([first])
        all.append(second, name: "log")
        all.append(third)
        all.append(fourth, name: "log")
        #expect(all.count == 4)
        #expect(all[0] === first && all[1] === second && all[2] === third && all[3] === fourth)
        // Of two with a name the first.
        #expect(all["log"] === second)
        #expect(all[4] == nil)
        #expect(all[-1] == nil)
        #expect(all["none"] == nil)
        #expect(all[""] == nil)
    }

    @Test("there may be none")
    func none() {
        #expect(PassedDescriptors().count == 0)
        #expect(PassedDescriptors([]).count == 0)
        #expect(PassedDescriptors()[0] == nil)
    }

    @Test("positions and names are the same in what another side decodes, and the files are too")
    func thereAndBack() throws {
        let directory = try TemporaryDirectory()
        var sent = PassedDescriptors([PassedDescriptor(try directory.create("first", Array("first".utf8)))])
        sent.append(PassedDescriptor(try directory.create("second", Array("second".utf8))), name: "second")
        let encoder = JSONEncoder()
        let outgoing = OutgoingDescriptors()
        let bytes = try outgoing.whileEncoding { try Array(encoder.encode(sent)) }
        let pair = try SocketPair()
        try pair.first.descriptor.send(bytes, passing: outgoing.descriptors)

        let message = try pair.second.descriptor.receive(bytes.count, descriptors: 2)
        let decoder = JSONDecoder()
        let receivedBytes = message.bytes
        let received = try IncomingDescriptors(message.descriptors).whileDecoding {
            try decoder.decode(PassedDescriptors.self, from: .init(receivedBytes))
        }
        #expect(received.count == 2)
        #expect(received["second"] === received[1])
        #expect(received["first"] == nil)
        let first = try #require(received[0]?.descriptor)
        #expect(try first.readToEnd() == Array("first".utf8))
        let second = try #require(received["second"]?.descriptor)
        #expect(try second.readToEnd() == Array("second".utf8))
        #expect(second != sent["second"]?.descriptor)
    }
}
