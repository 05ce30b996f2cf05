import FDPassing
import Syscalls
import TestSupport
import Testing

@Suite("Passing descriptors")
struct DescriptorMessageTests {
    @Test(
        "any number of descriptors cross to another process and back, in order and as the same files",
        arguments: [1, 2, 252, 253, 254, 1000])
    func thereAndBack(count: Int) throws {
        let directory = try TemporaryDirectory()
        let pair = try SocketPair()
        var files = DescriptorBatch()
        for index in 0..<count { files.append(try directory.create("\(index)", Array("\(index)".utf8))) }
        var helper = try HelperProcess(
            "FDPassingHelper", ["return-descriptors", "\(count)"], descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        try pair.first.descriptor.sendDescriptors(files.remaining)
        let returned = try pair.first.descriptor.receiveDescriptors(count)
        #expect(try helper.waitForOutcome() == .success)
        #expect(try identities(returned.remaining) == identities(files.remaining))
        for descriptor in returned.remaining where try !descriptor.isCloseOnExec() {
            Issue.record("\(descriptor) is not close-on-exec")
        }
    }

    @Test("no descriptors at all are a message too")
    func none() throws {
        let pair = try SocketPair()
        try pair.first.descriptor.sendDescriptors([])
        let batch = try pair.second.descriptor.receiveDescriptors(0)
        let isEmpty = batch.isEmpty
        #expect(isEmpty)
        #expect(try pair.second.descriptor.wait(for: .readable, until: .now) == [])
    }

    @Test("the byte beside the descriptors is their number modulo 256")
    func countByte() throws {
        let pair = try SocketPair()
        for count in [0, 1, 253] {
            try pair.first.descriptor.sendDescriptors(Array(repeating: pair.first.descriptor, count: count))
            // A plain read drops the descriptors and keeps the byte.
            #expect(try pair.second.descriptor.read(upTo: 10) == [UInt8(count)])
        }
        try pair.first.descriptor.sendDescriptors(Array(repeating: pair.first.descriptor, count: 254))
        #expect(try pair.second.descriptor.readExactly(2) == [253, 1])
    }

    @Test("a pipe, a socket, a file and memory arrive as what they are")
    func kinds() throws {
        let pair = try SocketPair()
        let pipe = try Pipe()
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("contents".utf8))
        var sent = [pipe.writeEnd.descriptor, pair.first.descriptor, file.descriptor]
        #if os(Linux)
            let memory = try SharedMemory(anonymous: "test", size: 10)
            sent.append(memory.descriptor)
        #endif
        try pair.first.descriptor.sendDescriptors(sent)
        let received = try pair.second.descriptor.receiveDescriptors(sent.count)
        #expect(try identities(received.remaining) == identities(sent))
        try received.remaining[0].writeAll("through the pipe")
        #expect(try pipe.readEnd.descriptor.read(upTo: 100) == Array("through the pipe".utf8))
        #expect(try received.remaining[2].readToEnd() == Array("contents".utf8))
    }

    @Test("descriptors with numbers beyond 255 cross as others do")
    func largeNumbers() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("contents".utf8))
        let large = try file.descriptor.duplicate(atLeast: 1000)
        let pair = try SocketPair()
        try pair.first.descriptor.sendDescriptors([large.descriptor])
        let received = try pair.second.descriptor.receiveDescriptors(1)
        #expect(try received.remaining[0].readToEnd() == Array("contents".utf8))
    }

    @Test("descriptors that are not open and channels that are not sockets are errors")
    func wrongDescriptors() throws {
        let pair = try SocketPair()
        #expect(throws: FDPassingError.system(.badFileDescriptor)) {
            try pair.first.descriptor.sendDescriptors([FileDescriptor(rawValue: 1_000_000_000)])
        }
        #expect(throws: FDPassingError.system(.badFileDescriptor)) {
            try pair.first.descriptor.sendDescriptors([FileDescriptor(rawValue: -1)])
        }
        let pipe = try Pipe()
        #expect(throws: FDPassingError.system(.notSocket)) {
            try pipe.writeEnd.descriptor.sendDescriptors([pair.first.descriptor])
        }
        #expect(throws: FDPassingError.system(.notSocket)) {
            _ = try pipe.readEnd.descriptor.receiveDescriptors(1)
        }
        // Nothing of it was sent.
        #expect(try pair.second.descriptor.wait(for: .readable, until: .now) == [])
    }

    @Test("sending and receiving go on when a signal storm interrupts them")
    func signalStorm() throws {
        #expect(try runHelper("FDPassingHelper", ["storm"]) == .success)
    }

    @Test("a million descriptors leave as many open as there were, on both sides")
    func soak() throws {
        #expect(try runHelper("FDPassingHelper", ["soak", "1000000"]) == .success)
    }

    private func identities(_ descriptors: [FileDescriptor]) throws -> [FileStatus.Identity] {
        try descriptors.map { try $0.status().identity }
    }
}
