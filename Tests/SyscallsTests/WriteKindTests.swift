import CSyscalls
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the kernel takes RWF_NOSIGNAL a write asks for it; not every kind of file knows such flags.
@Suite("Writing to files of every kind")
struct WriteKindTests {
    #if os(Linux)
        @Test("an event counter, whose driver knows no flags, is written to all the same")
        func eventCounter() throws {
            let counter = try EventCounter()
            let eight = [3, 0, 0, 0, 0, 0, 0, 0] as [UInt8]
            // This is why there has to be another way.
            #expect(writeWithFlag(eight, to: counter.descriptor) == .notSupported)
            try counter.descriptor.writeAll(eight)
            #expect(try counter.descriptor.write(eight.span.bytes) == 8)
            #expect(try counter.take() == 6)
            // The other way reports what is wrong, too.
            #expect(throws: Errno.invalidArgument) { try counter.descriptor.writeAll([1]) }
        }

        @Test("a file of /proc, whose driver knows no flags either, is written to all the same")
        func procFile() throws {
            try Background {
                let file = try OwnedFileDescriptor.open("/proc/thread-self/comm", .writeOnly)
                #expect(writeWithFlag(Array("no".utf8), to: file.descriptor) == .notSupported)
                try file.descriptor.writeAll("written")
                #expect(threadName() == "written")
            }.get()
        }

        @Test("anonymous memory is written to")
        func memory() throws {
            let memory = try SharedMemory(anonymous: "test", size: 3)
            try memory.descriptor.writeAll("abc")
            try memory.descriptor.seek(to: 0)
            #expect(try memory.descriptor.readToEnd() == Array("abc".utf8))
            // Sealed: there is no room for more.
            #expect(throws: Errno.notPermitted) { try memory.descriptor.writeAll("d") }
        }

        @Test("a full device is an error")
        func fullDevice() throws {
            let full = try OwnedFileDescriptor.open("/dev/full", .writeOnly)
            #expect(throws: Errno.noSpace) { try full.descriptor.writeAll("x") }
        }

        @Test("a terminal is written to")
        func terminal() throws {
            let terminal = try Terminal()
            try terminal.follower.descriptor.writeAll("abc")
            #expect(try terminal.leader.descriptor.readExactly(3) == Array("abc".utf8))
        }

        /// What the call with the flag reports; `nil` when it wrote.
        private func writeWithFlag(_ bytes: [UInt8], to descriptor: FileDescriptor) -> Errno? {
            var bytes = bytes
            return bytes.withUnsafeMutableBytes { bytes in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return csys_write_without_signal(descriptor.rawValue, &part, 1) == -1 ? Errno(rawValue: errno) : nil
            }
        }
    #endif

    @Test("a null device, a file, a pipe and a socket are written to")
    func others() throws {
        let null = try OwnedFileDescriptor.open("/dev/null", .writeOnly)
        #expect(try null.descriptor.write(pattern(100).span.bytes) == 100)
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("0123".utf8))
        // At the file's position, and moving it.
        try file.descriptor.seek(to: 2)
        try file.descriptor.writeAll("AB")
        try file.descriptor.writeAll("CD")
        try file.descriptor.seek(to: 0)
        #expect(try file.descriptor.readToEnd() == Array("01ABCD".utf8))
        let appending = try OwnedFileDescriptor.open(directory.file("file"), [.writeOnly, .append])
        try appending.descriptor.writeAll("!")
        #expect(try file.descriptor.readToEnd() == Array("!".utf8))
        let pipe = try Pipe()
        try pipe.writeEnd.descriptor.writeAll("abc")
        #expect(try pipe.readEnd.descriptor.readExactly(3) == Array("abc".utf8))
        let pair = try SocketPair()
        try pair.first.descriptor.writeAll("abc")
        #expect(try pair.second.descriptor.readExactly(3) == Array("abc".utf8))
    }
}
