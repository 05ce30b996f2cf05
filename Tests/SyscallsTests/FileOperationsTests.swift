import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Reading and writing")
struct FileOperationsTests {
    @Test("a file is created, written, read, and refused where the options say so")
    func open() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("file")
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try OwnedFileDescriptor.open(path, .readOnly) }
        let file = try OwnedFileDescriptor.open(path, [.writeOnly, .create], permissions: 0o600)
        try file.descriptor.writeAll("hello")
        #expect(try file.descriptor.status().permissions == 0o600)
        #expect(throws: Errno.badFileDescriptor) { try file.descriptor.read(upTo: 1) }
        #expect(throws: Errno.fileExists) { _ = try OwnedFileDescriptor.open(path, [.writeOnly, .create, .exclusive]) }
        #expect(throws: Errno.notDirectory) { _ = try OwnedFileDescriptor.open(path, [.readOnly, .directory]) }
        let reader = try OwnedFileDescriptor.open(path, .readOnly)
        #expect(throws: Errno.badFileDescriptor) { try reader.descriptor.writeAll("x") }
        #expect(try reader.descriptor.readToEnd() == Array("hello".utf8))
        let appending = try OwnedFileDescriptor.open(path, [.writeOnly, .append])
        try appending.descriptor.writeAll(" again")
        #expect(try reader.descriptor.readToEnd() == Array(" again".utf8))
        _ = try OwnedFileDescriptor.open(path, [.writeOnly, .truncate])
        #expect(try reader.descriptor.status().size == 0)
    }

    @Test("reading exactly so many bytes takes as many calls as it needs, and says when the file ends before")
    func readExactly() throws {
        let pair = try SocketPair()
        let writer = try Background { [socket = pair.second.descriptor, reader = pair.first.descriptor] in
            for byte in 0..<3 as Range<UInt8> {
                try socket.writeAll([byte, byte])
                // Each pair of bytes goes when the one before has been read.
                while try reader.option(SOL_SOCKET, SO_ERROR) == 0, try unreadByteCount(reader) > 0 { sched_yield() }
            }
            try socket.shutdownSending()
        }
        #expect(try pair.first.descriptor.readExactly(5) == [0, 0, 1, 1, 2])
        #expect(throws: Errno.noData) { try pair.first.descriptor.readExactly(2) }
        try writer.get()
        #expect(try pair.first.descriptor.readExactly(0) == [])
    }

    @Test(
        "reading to the end gives all bytes of a file and of a pipe", arguments: [0, 1, 65535, 65536, 65537, 300_000])
    func readToEnd(count: Int) throws {
        let bytes = pattern(count)
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", bytes)
        #expect(try file.descriptor.readToEnd() == bytes)
        let reader: OwnedFileDescriptor
        let writing: Background<Void>
        do {
            let pipe = try Pipe()
            let number = pipe.writeEnd.take()
            reader = pipe.readEnd
            writing = try Background {
                let writer = OwnedFileDescriptor(owning: number)
                try writer.descriptor.writeAll(bytes)
            }
        }
        #expect(try reader.descriptor.readToEnd() == bytes)
        try writing.get()
    }

    @Test("reads and writes at an offset leave the file's position alone")
    func offsets() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("0123456789".utf8))
        let written = try Array("AB".utf8).span.bytes.withUnsafeBytes { try file.descriptor.write($0, at: 4) }
        #expect(written == 2)
        var buffer = [UInt8](repeating: 0, count: 4)
        let count = try buffer.withUnsafeMutableBytes { try file.descriptor.read(into: $0, at: 3) }
        #expect(count == 4)
        #expect(buffer == Array("3AB6".utf8))
        #expect(try buffer.withUnsafeMutableBytes { try file.descriptor.read(into: $0, at: 8) } == 2)
        #expect(try buffer.withUnsafeMutableBytes { try file.descriptor.read(into: $0, at: 10) } == 0)
        #expect(try file.descriptor.readToEnd() == Array("0123AB6789".utf8))
    }

    @Test("several buffers are written and read in order")
    func vectors() throws {
        let pipe = try Pipe()
        var first = Array("abc".utf8)
        var second = Array("defgh".utf8)
        let written = try first.withUnsafeMutableBytes { first in
            try second.withUnsafeMutableBytes { second in try pipe.writeEnd.descriptor.write([first.part, second.part])
            }
        }
        #expect(written == 8)
        let count = try first.withUnsafeMutableBytes { first in
            try second.withUnsafeMutableBytes { second in
                try pipe.readEnd.descriptor.read(into: [second.part, first.part])
            }
        }
        #expect(count == 8)
        #expect(second == Array("abcde".utf8))
        #expect(first == Array("fgh".utf8))
    }

    @Test("all of a long message goes through a small pipe, in as many writes as that takes")
    func partialWrites() throws {
        let message = pattern(1 << 20)
        let pipe = try Pipe()
        let reader = try Background { [end = pipe.readEnd.descriptor] in try end.readExactly(1 << 20) }
        try pipe.writeEnd.descriptor.writeAll(message)
        #expect(try reader.get() == message)
    }

    @Test("a full non-blocking pipe takes what fits, and then says EAGAIN")
    func nonBlocking() throws {
        let pipe = try Pipe()
        try pipe.writeEnd.descriptor.setBlocking(false)
        #expect(try pipe.writeEnd.descriptor.statusFlags().contains(.nonBlocking))
        let message = pattern(1 << 20)
        let taken = try message.span.bytes.withUnsafeBytes { try pipe.writeEnd.descriptor.write($0) }
        #expect(taken > 0 && taken < message.count)
        #expect(throws: Errno.resourceTemporarilyUnavailable) { try pipe.writeEnd.descriptor.writeAll("x") }
        #expect(try pipe.readEnd.descriptor.readExactly(taken) == Array(message[..<taken]))
        try pipe.readEnd.descriptor.setBlocking(false)
        #expect(throws: Errno.resourceTemporarilyUnavailable) { try pipe.readEnd.descriptor.read(upTo: 1) }
        try pipe.readEnd.descriptor.setBlocking(true)
        #expect(try !pipe.readEnd.descriptor.statusFlags().contains(.nonBlocking))
    }

    @Test("a file's kind, size, links and identity are told")
    func status() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", [1, 2, 3])
        let status = try file.descriptor.status()
        #expect(status.kind == .regular)
        #expect(status.size == 3)
        #expect(status.linkCount == 1)
        #expect(status.owner == getuid())
        #expect(try FileStatus(ofFileAt: directory.file("file")).identity == status.identity)
        #expect(symlink(directory.file("file"), directory.file("link")) == 0)
        #expect(try FileStatus(ofFileAt: directory.file("link")).identity == status.identity)
        #expect(try FileStatus(ofFileAt: directory.file("link"), followLinks: false).kind == .symbolicLink)
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileStatus(ofFileAt: directory.file("none")) }
        #expect(try FileStatus(ofFileAt: directory.path).kind == .directory)
        #expect(try FileStatus(ofFileAt: "/dev/null").kind == .characterDevice)
        let pipe = try Pipe()
        #expect(try pipe.readEnd.descriptor.status().kind == .fifo)
        let pair = try SocketPair()
        #expect(try pair.first.descriptor.status().kind == .socket)
        #expect(try pair.first.descriptor.status().identity != pair.second.descriptor.status().identity)
        #expect(!file.descriptor.isTerminal)
    }

    @Test("a file is cut and extended, and its position moved")
    func truncate() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("abcdef".utf8))
        try file.descriptor.truncate(to: 3)
        #expect(try file.descriptor.seek(to: 1) == 1)
        #expect(try file.descriptor.readToEnd() == Array("bc".utf8))
        try file.descriptor.truncate(to: 5)
        #expect(try file.descriptor.readToEnd() == [0, 0])
        let pipe = try Pipe()
        #expect(throws: Errno.illegalSeek) { try pipe.readEnd.descriptor.seek(to: 0) }
    }

    @Test("the names in a directory are listed without its own two")
    func directory() throws {
        let directory = try TemporaryDirectory()
        #expect(try directoryEntries(directory.path) == [])
        for name in ["b", "a", "ü"] { _ = try directory.create(name) }
        #expect(try directoryEntries(directory.path).sorted() == ["a", "b", "ü"])
        #expect(throws: Errno.noSuchFileOrDirectory) { try directoryEntries(directory.file("none")) }
        #expect(throws: Errno.notDirectory) { try directoryEntries(directory.file("a")) }
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate var part: iovec { iovec(iov_base: baseAddress, iov_len: count) }
}
