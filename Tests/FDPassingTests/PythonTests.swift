import FDPassing
import Syscalls
import TestSupport
import Testing

/// CPython's multiprocessing.reduction at the other end.
@Suite(
    "Passing descriptors: with CPython", .enabled(if: !Python.installed.isEmpty, "no CPython is installed with pyenv"))
struct PythonTests {
    @Test(
        "descriptors come back from recvfds and sendfds in order and as the same files",
        arguments: Python.installed, [1, 2, 253])
    func thereAndBack(python: Python, count: Int) throws {
        let directory = try TemporaryDirectory()
        let pair = try SocketPair()
        var files = DescriptorBatch()
        for index in 0..<count { files.append(try directory.create("\(index)", Array("\(index)".utf8))) }
        var peer = try python.start(
            """
            import os, socket, sys
            from multiprocessing.reduction import recvfds, sendfds
            channel = socket.socket(fileno=3)
            count = int(sys.argv[1])
            received = recvfds(channel, count)
            assert len(received) == count
            for index, number in enumerate(received):
                assert os.pread(number, 10, 0) == b"%d" % index, index
            sendfds(channel, received)
            """, ["\(count)"], descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        try pair.first.descriptor.sendDescriptors(files.remaining)
        let returned = try pair.first.descriptor.receiveDescriptors(count)
        #expect(try peer.waitForOutcome() == .success)
        #expect(
            try returned.remaining.map { try $0.status().identity } == files.remaining.map { try $0.status().identity })
    }

    @Test(
        "sockets, pipes, regular files and memory cross both ways with send_handle and recv_handle",
        arguments: Python.installed)
    func kinds(python: Python) throws {
        let pair = try SocketPair()
        var peer = try python.start(
            """
            import os, socket, stat, sys, tempfile
            from multiprocessing.connection import Connection
            from multiprocessing.reduction import recv_handle, send_handle
            with Connection(3) as channel:
                for check in [stat.S_ISFIFO, stat.S_ISSOCK, stat.S_ISREG, stat.S_ISREG]:
                    number = recv_handle(channel)
                    assert check(os.fstat(number).st_mode)
                    os.write(number, b"from Python")
                    os.close(number)
                read_end, write_end = os.pipe()
                first, second = socket.socketpair()
                file = tempfile.TemporaryFile()
                if hasattr(os, "memfd_create"):
                    memory = os.memfd_create("test")
                else:
                    memory = os.dup(tempfile.TemporaryFile().fileno())
                os.write(memory, b"memory")
                for number in [read_end, first.fileno(), file.fileno(), memory]:
                    send_handle(channel, number, os.getpid())
                os.write(write_end, b"pipe")
                second.sendall(b"socket")
                os.pwrite(file.fileno(), b"file", 0)
                # Descriptors are received before what they refer to goes.
                assert os.read(3, 1) == b"!"
            """, descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        let channel = pair.first
        let pipe = try Pipe()
        let sockets = try SocketPair()
        let directory = try TemporaryDirectory()
        let file = try directory.create("file")
        var sent = [pipe.writeEnd.descriptor, sockets.first.descriptor, file.descriptor]
        #if os(Linux)
            let memory = try SharedMemory(anonymous: "test", size: 11)
            sent.append(memory.descriptor)
        #else
            let memory = try directory.create("memory")
            sent.append(memory.descriptor)
        #endif
        for descriptor in sent { try channel.descriptor.sendDescriptors([descriptor]) }
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
        try channel.descriptor.writeAll("!")
        #expect(try peer.waitForOutcome() == .success)
        #expect(try numbers[2].readToEnd() == Array("file".utf8))
        try numbers[3].seek(to: 0)
        #expect(try numbers[3].readToEnd() == Array("memory".utf8))
    }
}
