import FDPassing
import Syscalls
import TestSupport
import Testing

@Suite("Bytes with descriptors beside them")
struct MessageTests {
    private func identities(_ descriptors: [FileDescriptor]) throws -> [FileStatus.Identity] {
        try descriptors.map { try $0.status().identity }
    }

    @Test(
        "bytes and any number of descriptors cross to another process and back, in order and as the same files",
        arguments: [(0, 0), (1, 0), (1, 1), (5, 1), (1, 253), (2, 254), (300_000, 254), (4, 1000), (2000, 1000)])
    func thereAndBack(byteCount: Int, count: Int) throws {
        let directory = try TemporaryDirectory()
        let pair = try SocketPair()
        let channel = pair.first
        var files = DescriptorBatch()
        for index in 0..<count { files.append(try directory.create("\(index)", Array("\(index)".utf8))) }
        let bytes = pattern(byteCount)
        var helper = try HelperProcess(
            "FDPassingHelper", ["return-message", "\(byteCount)", "\(count)"], descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        try channel.descriptor.send(bytes, passing: files.remaining)
        let message = try channel.descriptor.receive(byteCount, descriptors: count)
        #expect(try helper.waitForOutcome() == .success)
        #expect(message.bytes == bytes)
        #expect(try identities(message.descriptors.remaining) == identities(files.remaining))
        for descriptor in message.descriptors.remaining where try !descriptor.isCloseOnExec() {
            Issue.record("\(descriptor) is not close-on-exec")
        }
        // Nothing is left, and so it ends here.
        #expect(try channel.descriptor.read(upTo: 1) == [])
    }

    @Test(
        "fewer bytes than batches are an error, and nothing is sent",
        arguments: [(0, 1), (0, 253), (1, 254), (3, 1000)])
    func tooFewBytes(byteCount: Int, count: Int) throws {
        let pair = try SocketPair()
        let descriptors = [FileDescriptor](repeating: pair.first.descriptor, count: count)
        #expect(throws: Errno.invalidArgument) {
            try pair.first.descriptor.send(pattern(byteCount), passing: descriptors)
        }
        #expect(try pair.second.descriptor.wait(for: .readable, until: .now) == [])
    }

    @Test("bytes that follow a message are left for who reads next")
    func following() throws {
        let pair = try SocketPair()
        let (sender, receiver) = (pair.first.descriptor, pair.second.descriptor)
        try sender.send([1, 2, 3], passing: [sender])
        try sender.writeAll([4, 5])
        try sender.send([6], passing: [sender, sender])
        let first = try receiver.receive(3, descriptors: 1)
        #expect(first.bytes == [1, 2, 3])
        #expect(first.descriptors.count == 1)
        // Bytes sent in several pieces, the descriptors beside the last of them.
        let second = try receiver.receive(3, descriptors: 2)
        #expect(second.bytes == [4, 5, 6])
        #expect(second.descriptors.count == 2)
        #expect(try receiver.wait(for: .readable, until: .now) == [])
    }

    @Test("a payload without descriptors is plain bytes, read in whatever way")
    func plainBytes() throws {
        let pair = try SocketPair()
        try pair.first.descriptor.send(pattern(1000), passing: [])
        #expect(try pair.second.descriptor.readExactly(1000) == pattern(1000))
        try pair.second.descriptor.writeAll(pattern(1000))
        let message = try pair.first.descriptor.receive(1000, descriptors: 0)
        #expect(message.bytes == pattern(1000))
    }

    @Test("descriptors that are not open, a vanished peer and channels that are not sockets are errors")
    func errors() throws {
        let pair = try SocketPair()
        let sender = pair.first
        let socket = sender.descriptor
        #expect(throws: Errno.badFileDescriptor) { try socket.send([1], passing: [FileDescriptor(rawValue: -1)]) }
        let pipe = try Pipe()
        #expect(throws: Errno.notSocket) { try pipe.writeEnd.descriptor.send([1], passing: []) }
        #expect(throws: FDPassingError.system(.notSocket)) {
            _ = try pipe.readEnd.descriptor.receive(1, descriptors: 0)
        }
        try pair.second.close()
        #expect(throws: Errno.brokenPipe) { try socket.send([1], passing: [socket]) }
    }

    @Test(
        "each failure of the receiver is an error of its own, and closes every descriptor that arrived",
        arguments: [
            "message-too-few", "message-too-many", "message-end-of-stream", "message-no-room", "message-unexpected",
        ])
    func failures(command: String) throws {
        #expect(try runHelper("FDPassingHelper", [command]) == .success)
    }

    @Test(
        "sending and receiving go on when a signal storm interrupts them",
        arguments: ["message-storm", "credentials-storm"])
    func signalStorm(command: String) throws {
        #expect(try runHelper("FDPassingHelper", [command]) == .success)
    }

    @Test("each error says something else")
    func descriptions() {
        let errors: [FDPassingError] = [
            .system(.brokenPipe), .endOfStream, .truncated(arrived: 3), .wrongCount(expected: 4, arrived: 3),
            .tooMany(limit: 4, arrived: 5), .unexpectedControlMessage, .notAcknowledged,
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
        #expect(FDPassingError.system(.brokenPipe).description.contains("Broken pipe (EPIPE)"))
        #expect(
            FDPassingError.wrongCount(expected: 4, arrived: 3).description == "4 descriptors were expected, 3 arrived")
    }
}
