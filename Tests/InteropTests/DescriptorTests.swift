import FDPassing
import Syscalls
import TestSupport
import Testing

/// `reduction` at the other end.
@Suite("Interop: descriptors", .enabled(if: !Peer.installed.isEmpty, "there is no Python to talk to"))
struct DescriptorTests {
    @Test(
        "descriptors come back from recvfds and sendfds in order and as the same files", arguments: Peer.installed)
    func thereAndBack(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let pair = try SocketPair()
        var files = DescriptorBatch()
        for index in 0..<253 { files.append(try directory.create("\(index)", Array("\(index)".utf8))) }
        let counts = [1, 2, 253]
        let source = """
            channel = socket.socket(fileno=3) if sys.version_info >= (3, 7) else socket.fromfd(3, socket.AF_UNIX, 1)
            for count in map(int, sys.argv[1:]):
                received = reduction.recvfds(channel, count)
                assert len(received) == count
                for index, number in enumerate(received):
                    assert os.pread(number, 10, 0) == b"%d" % index, index
                reduction.sendfds(channel, received)
                for number in received:
                    os.close(number)
            """
        let script = try Script(peer, source, counts.map(String.init), descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        for count in counts {
            let sent = Array(files.remaining.prefix(count))
            try pair.first.descriptor.sendDescriptors(sent)
            let returned = try pair.first.descriptor.receiveDescriptors(count)
            let isSame =
                try returned.remaining.map { try $0.status().identity } == sent.map { try $0.status().identity }
            #expect(isSame, "\(count) descriptors")
        }
        try script.finish()
    }

    @Test(
        "sockets, pipes, regular files and memory cross both ways with send_handle and recv_handle",
        arguments: Peer.installed)
    func kinds(peer: Peer) throws {
        let pair = try SocketPair()
        let source = """
            import stat, tempfile
            with connection.Connection(3) as channel:
                for check in [stat.S_ISFIFO, stat.S_ISSOCK, stat.S_ISREG, stat.S_ISREG]:
                    number = reduction.recv_handle(channel)
                    assert check(os.fstat(number).st_mode)
                    os.write(number, b"from Python")
                    os.close(number)
                read_end, write_end = os.pipe()
                first, second = socket.socketpair()
                file = tempfile.TemporaryFile()
                if hasattr(os, "memfd_create"):
                    memory = os.memfd_create("test")
                else:
                    other = tempfile.TemporaryFile()
                    memory = os.dup(other.fileno())
                os.write(memory, b"memory")
                for number in [read_end, first.fileno(), file.fileno(), memory]:
                    reduction.send_handle(channel, number, os.getpid())
                os.write(write_end, b"pipe")
                second.sendall(b"socket")
                os.pwrite(file.fileno(), b"file", 0)
                # Descriptors are received before what they refer to goes.
                wait_for_gate()
            """
        let script = try Script(peer, source, descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        let channel = pair.first
        let pipe = try Pipe()
        let sockets = try SocketPair()
        let directory = try TemporaryDirectory()
        let file = try directory.create("file")
        #if os(Linux)
            let memory = try SharedMemory(anonymous: "test", size: 11)
        #else
            let memory = try directory.create("memory")
        #endif
        for descriptor in [
            pipe.writeEnd.descriptor, sockets.first.descriptor, file.descriptor, memory.descriptor,
        ] {
            try channel.descriptor.sendDescriptors([descriptor])
        }
        #expect(try pipe.readEnd.descriptor.readExactly(11) == Array("from Python".utf8))
        #expect(try sockets.second.descriptor.readExactly(11) == Array("from Python".utf8))

        var received = DescriptorBatch()
        for _ in 0..<4 { received.append(contentsOf: try channel.descriptor.receiveDescriptors(1)) }
        // The position is the one that Python's writes have left.
        try file.descriptor.seek(to: 0)
        #expect(try file.descriptor.readToEnd() == Array("from Python".utf8))
        try memory.descriptor.seek(to: 0)
        #expect(try memory.descriptor.readToEnd() == Array("from Python".utf8))
        let numbers = received.remaining
        #expect(try numbers[0].readExactly(4) == Array("pipe".utf8))
        #expect(try numbers[1].readExactly(6) == Array("socket".utf8))
        try script.openGate()
        try numbers[3].seek(to: 0)
        #expect(try numbers[3].readToEnd() == Array("memory".utf8))
        // Python writes the file after it was sent, and before the socket's end.
        #expect(try channel.descriptor.readToEnd().isEmpty)
        #expect(try numbers[2].readToEnd() == Array("file".utf8))
        try script.finish()
    }
}
