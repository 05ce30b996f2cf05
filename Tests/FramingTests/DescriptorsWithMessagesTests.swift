import FDPassing
import Framing
import Syscalls
import TestSupport
import Testing

@Suite("Descriptors with messages")
struct DescriptorsWithMessagesTests {
    @Test("messages with different numbers of descriptors, glued together, each get theirs")
    func glued() throws {
        let pair = try SocketPair()
        let sender = Connection(pair.first)
        let receiver = Connection(pair.second, descriptorLimit: 1000)
        let directory = try TemporaryDirectory()
        let counts = [1, 0, 2, 3, 0, 254, 1, 300, 0, 5]
        var sent: [[FileStatus.Identity]] = []
        // All of it is sent before anything is received; the files are closed by then.
        for (index, count) in counts.enumerated() {
            var files = DescriptorBatch()
            for number in 0..<count { files.append(try directory.create("\(index)-\(number)")) }
            sent.append(try files.remaining.map { try $0.status().identity })
            try sender.send(pattern(10 + index), passing: files.remaining)
        }
        for (index, count) in counts.enumerated() {
            #expect(try receiver.receive(until: .generous) == pattern(10 + index))
            let batch = try receiver.receiveDescriptors(count)
            #expect(try batch.remaining.map { try $0.status().identity } == sent[index])
            #expect(try batch.remaining.allSatisfy { try $0.isCloseOnExec() })
        }
    }

    @Test("an event loop takes all that has come with one call, though the kernel ends a read where descriptors came")
    func available() throws {
        let pair = try SocketPair()
        let sender = Connection(pair.first)
        let receiver = Connection(pair.second, descriptorLimit: 10)
        let pipe = try Pipe()
        let counts = [0, 1, 0, 2, 1, 0]
        for (index, count) in counts.enumerated() {
            try sender.send(
                pattern(10 + index), passing: Array(repeating: pipe.readEnd.descriptor, count: count))
        }
        var seen: [[UInt8]] = []
        try receiver.receiveAvailable { seen.append($0) }
        #expect(seen == counts.indices.map { pattern(10 + $0) })
        #expect(try receiver.receiveDescriptors(4).count == 4)
        try receiver.receiveAvailable { _ in Issue.record("a message") }
    }

    @Test("descriptors come with large messages too, and may be asked for later")
    func large() throws {
        let pair = try SocketPair()
        let sender = Connection(pair.first)
        let receiver = Connection(pair.second, descriptorLimit: 3)
        let pipe = try Pipe()
        let identity = try pipe.readEnd.descriptor.status().identity
        let message = pattern(1 << 20)
        let sending = try Background { [end = pipe.readEnd.descriptor] in
            try sender.send(message, passing: [end])
            try sender.send([2], passing: [end, end])
        }
        #expect(try receiver.receive() == message)
        #expect(try receiver.receive() == [2])
        try sending.get()
        let batch = try receiver.receiveDescriptors(3)
        #expect(try batch.remaining.map { try $0.status().identity } == [identity, identity, identity])
    }

    @Test("asking for more than came, or for fewer than none, is an error and loses nothing")
    func missing() throws {
        let pair = try SocketPair()
        let sender = Connection(pair.first)
        let receiver = Connection(pair.second, descriptorLimit: 3)
        try sender.send([1], passing: [.standardError, .standardError])
        #expect(try receiver.receive() == [1])
        #expect(throws: FramingError.missingDescriptors(expected: 3, arrived: 2)) {
            _ = try receiver.receiveDescriptors(3)
        }
        #expect(throws: FramingError.missingDescriptors(expected: -1, arrived: 2)) {
            _ = try receiver.receiveDescriptors(-1)
        }
        #expect(try receiver.receiveDescriptors(2).remaining.count == 2)
        #expect(try receiver.receiveDescriptors(0).count == 0)
    }

    @Test("a message too short to carry its descriptors is refused before anything is sent")
    func tooShort() throws {
        let peer = try RawPeer()
        // Four bytes of header carry four batches of 253.
        let many = [FileDescriptor](repeating: .standardError, count: 4 * 253 + 1)
        #expect(throws: FramingError.messageTooShortForDescriptors(bytes: 0, descriptors: many.count)) {
            try peer.connection.send([], passing: many)
        }
        try peer.connection.send([], passing: Array(many.dropLast()))
        #expect(try peer.end.descriptor.readExactly(4) == header(0))
    }

    @Test("descriptors over a pipe are an error, and nothing is sent", arguments: [Deadline.never, .generous])
    func overPipe(deadline: Deadline) throws {
        let peer = try RawPeer.writingPipe()
        #expect(throws: FramingError.system(.notSocket)) {
            try peer.connection.send([1], passing: [.standardError], until: deadline)
        }
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
        try peer.connection.send([2])
        #expect(try peer.end.descriptor.readExactly(5) == [0, 0, 0, 1, 2])
    }

    @Test("a send that fails when a part of the message is out leaves the connection unable to send")
    func failedInTheMiddle() throws {
        let peer = try RawPeer()
        let wrong = Array(repeating: FileDescriptor.standardError, count: 253) + [FileDescriptor(rawValue: -1)]
        for _ in 0..<2 {
            #expect(throws: FramingError.system(.badFileDescriptor)) {
                try peer.connection.send(pattern(10), passing: wrong)
            }
        }
        #expect(throws: FramingError.system(.badFileDescriptor)) { try peer.connection.send([1]) }
        #expect(try peer.end.descriptor.readExactly(1) == [0])
        #expect(try peer.end.descriptor.wait(for: .readable, until: .now) == [])
    }

    @Test("descriptors for which there is no room are lost to their own message, and to no other")
    func lost() throws {
        #expect(try runHelper("FramingHelper", ["lost-descriptors"]) == .success)
    }

    @Test("descriptors that nobody expects are closed, and too many of them are an error")
    func unexpected() throws {
        #expect(try runHelper("FramingHelper", ["unexpected-descriptors"]) == .success)
    }

    @Test("descriptors that nobody takes are closed with the connection")
    func untaken() throws {
        #expect(try runHelper("FramingHelper", ["untaken-descriptors"]) == .success)
    }

    @Test("a connection that has read ahead does not give its descriptor up")
    func takeDescriptor() throws {
        let pair = try SocketPair()
        let sender = Connection(pair.first)
        let receiver = Connection(pair.second, descriptorLimit: 1)
        try sender.send([1])
        try sender.send([2, 3], passing: [.standardError])
        #expect(try receiver.receive() == [1])
        // Descriptors end a receive; the next brings more than is asked for.
        try sender.send([4])
        #expect(try receiver.receive() == [2, 3])
        #expect(throws: FramingError.hasReadAhead(bytes: receiver.bufferedByteCount + 1)) {
            _ = try receiver.takeDescriptor()
        }
        _ = try receiver.receiveDescriptors(1)
        #expect(try receiver.receive() == [4])
        let taken = try receiver.takeDescriptor()
        #expect(receiver.isClosed)
        #expect(throws: FramingError.closed) { try receiver.receive() }
        receiver.close()
        #expect(taken.descriptor.isOpen)
        // The stream goes on where it was.
        try sender.send([5])
        #expect(try Connection(taken).receive() == [5])
    }

    @Test("a partly received message is read-ahead too")
    func partlyReceived() throws {
        let peer = try RawPeer()
        try peer.write([0, 0])
        #expect(throws: FramingError.timedOut) { try peer.connection.receive(until: .now) }
        #expect(throws: FramingError.hasReadAhead(bytes: 2)) { _ = try peer.connection.takeDescriptor() }
    }
}
