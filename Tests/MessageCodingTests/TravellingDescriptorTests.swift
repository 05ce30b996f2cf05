import FDPassing
import Framing
import MessageCoding
import Syscalls
import TestSupport
import Testing

@Suite("Descriptors and connections inside values")
struct TravellingDescriptorTests {
    /// The same as the helper's.
    private struct Parcel: Codable {
        var name: String
        var pipe: PassedDescriptor
        var reader: Connection
        var writer: Connection
        var duplex: Connection
    }

    /// Two connections of which the second allows descriptors.
    private func passingPair(limit: Int) throws -> (Connection, Connection) {
        let pair = try SocketPair()
        return (Connection(pair.first), Connection(pair.second, descriptorLimit: limit))
    }

    @Test("they travel to another process, which has each in the direction that it had here")
    func otherProcess() throws {
        let pair = try SocketPair()
        var helper = try HelperProcess(
            "MessageCodingHelper", ["parcels"], descriptors: [3: pair.second.descriptor])
        let connection = MessageConnection(Connection(pair.first))
        for round in 0..<3 {
            let pipe = try Pipe()
            let (reader, writerToReader) = try Connection.pipe(duplex: false)
            let (readerOfWriter, writer) = try Connection.pipe(duplex: false)
            let (near, far) = try Connection.pipe()
            do {
                let parcel = Parcel(
                    name: "round \(round)", pipe: PassedDescriptor(pipe.writeEnd), reader: reader, writer: writer,
                    duplex: far)
                try connection.send(parcel, until: .generous)
                for sent in [reader, writer, far] {
                    // Open here too, until it is closed.
                    #expect(!sent.isClosed)
                    sent.close()
                }
            }
            try writerToReader.send([1, 2, 3])
            #expect(try readerOfWriter.receive(until: .generous) == [3, 2, 1])
            try near.send([4])
            #expect(try near.receive(until: .generous) == [4, 4])
            #expect(try pipe.readEnd.descriptor.readToEnd() == Array("round \(round)".utf8))
            // The helper has closed all that it got.
            #expect(throws: FramingError.endOfFile) { try readerOfWriter.receive(until: .generous) }
            #expect(throws: FramingError.endOfFile) { try near.receive(until: .generous) }
            #expect(try connection.receive(Int.self, until: .generous) == round + 1)
        }
        connection.connection.close()
        #expect(try helper.waitForOutcome() == .success)
    }

    @Test("neither sending nor receiving leaves a descriptor open, also when it fails")
    func counts() throws {
        #expect(try runHelper("MessageCodingHelper", ["counts"]) == .success)
    }

    @Test("a connection keeps its limit of descriptors and its mode")
    func limitAndMode() throws {
        let (sender, receiver) = try passingPair(limit: 1)
        let pair = try SocketPair()
        let travelling = Connection(pair.first, descriptorLimit: 5)
        try travelling.setBlocking(false)
        try MessageConnection(sender).send([travelling])
        let arrived = try #require(try MessageConnection(receiver).receive([Connection].self, until: .generous).first)
        #expect(arrived.descriptorLimit == 5)
        #expect(!arrived.isBlocking)
        #expect(arrived.isReadable && arrived.isWritable)
        let pipe = try Pipe()
        try Connection(pair.second).send([1], passing: Array(repeating: pipe.readEnd.descriptor, count: 5))
        #expect(try arrived.receive(until: .generous) == [1])
        #expect(try arrived.receiveDescriptors(5).count == 5)
    }

    @Test("a connection that has read ahead is refused, and can be sent once that was received")
    func readAhead() throws {
        let (sender, receiver) = try passingPair(limit: 1)
        let (travelling, peer) = try Connection.pipe()
        try peer.send([1])
        try peer.send([2])
        #expect(try travelling.receive(until: .generous) == [1])
        if travelling.bufferedByteCount > 0 {
            #expect(throws: FramingError.hasReadAhead(bytes: 5)) { try MessageConnection(sender).send(travelling) }
            #expect(try !receiver.poll())
        }
        #expect(try travelling.receive(until: .generous) == [2])
        try MessageConnection(sender).send(travelling)
        try peer.send([3])
        let arrived = try MessageConnection(receiver).receive(Connection.self, until: .generous)
        #expect(try arrived.receive(until: .generous) == [3])
    }

    @Test("a connection in the middle of a message, either way, or closed, is refused")
    func inMiddle() throws {
        let (sender, receiver) = try passingPair(limit: 1)
        let pair = try SocketPair()
        let travelling = Connection(pair.first)
        try pair.second.descriptor.writeAll([0, 0])
        #expect(throws: FramingError.timedOut) { try travelling.receive(until: .now) }
        #expect(throws: FramingError.hasReadAhead(bytes: 2)) { try MessageConnection(sender).send(travelling) }
        try pair.second.descriptor.writeAll([0, 0])
        #expect(try travelling.receive(until: .generous) == [])

        let message = pattern(8 << 20)
        var progress = SendProgress()
        #expect(throws: FramingError.timedOut) {
            try travelling.send(message.span.bytes, progress: &progress, until: .now)
        }
        #expect(throws: FramingError.sendUnderWay(bytes: progress.sent, of: message.count + 4)) {
            try MessageConnection(sender).send(travelling)
        }
        travelling.close()
        #expect(throws: FramingError.closed) { try MessageConnection(sender).send(travelling) }
        #expect(try !receiver.poll())
    }

    @Test("over a pipe no descriptor travels, and the next value does")
    func overPipe() throws {
        let (receiver, sender) = try Connection.pipe(duplex: false)
        let pipe = try Pipe()
        let passed = PassedDescriptor(pipe.writeEnd)
        #expect(throws: FramingError.system(.notSocket)) { try MessageConnection(sender).send(passed) }
        try MessageConnection(sender).send(1)
        #expect(try MessageConnection(receiver).receive(Int.self, until: .generous) == 1)
        #expect(passed.descriptor != nil)
    }

    @Test("a value with hundreds of descriptors arrives with all of them, in their places")
    func many() throws {
        let (sender, receiver) = try passingPair(limit: 300)
        let firstPipe = try Pipe()
        let secondPipe = try Pipe()
        let ends = [firstPipe.readEnd.descriptor, secondPipe.readEnd.descriptor]
        let passed = try (0..<300).map { try PassedDescriptor(duplicating: ends[$0 % 2]) }
        try MessageConnection(sender).send(passed, until: .generous)
        let arrived = try MessageConnection(receiver).receive([PassedDescriptor].self, until: .generous)
        #expect(arrived.count == 300)
        for (place, descriptor) in arrived.enumerated() {
            let identity = try #require(try descriptor.descriptor?.status().identity)
            #expect(try identity == ends[place % 2].status().identity)
        }
    }
}
