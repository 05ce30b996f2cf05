import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Reading and writing with spans")
struct SpanOperationTests {
    @Test("a span is filled with what is there, and its rest left alone")
    func read() throws {
        let pipe = try Pipe()
        let message = Array("abc".utf8)
        #expect(try pipe.writeEnd.descriptor.write(message.span.bytes) == 3)
        var bytes = [UInt8](repeating: 9, count: 5)
        #expect(try bytes.withMutableBytes { try pipe.readEnd.descriptor.read(into: &$0) } == 3)
        #expect(bytes == message + [9, 9])
        let reader = pipe.readEnd
        try pipe.writeEnd.close()
        #expect(try bytes.withMutableBytes { try reader.descriptor.read(into: &$0) } == 0)
        #expect(bytes == message + [9, 9])
    }

    @Test("a span is filled exactly, in as many reads as that takes, or the file has ended before")
    func readExactly() throws {
        let message = pattern(300_000)
        let pipe = try Pipe()
        let number = pipe.writeEnd.take()
        let reader = pipe.readEnd
        let writing = try Background {
            let writer = OwnedFileDescriptor(owning: number)
            try writer.descriptor.writeAll(message.span.bytes)
            try writer.descriptor.writeAll("tail")
        }
        var bytes = [UInt8](repeating: 0, count: message.count)
        try bytes.withMutableBytes { try reader.descriptor.readExactly(into: &$0) }
        #expect(bytes == message)
        try writing.get()
        #expect(throws: Errno.noData) { try bytes.withMutableBytes { try reader.descriptor.readExactly(into: &$0) } }
        #expect(bytes.starts(with: Array("tail".utf8)))
        // Nothing is asked for, and so nothing is missing.
        var none: [UInt8] = []
        try none.withMutableBytes { try reader.descriptor.readExactly(into: &$0) }
    }

    @Test("spans are read and written at an offset, and the file's position is left alone")
    func offsets() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("0123456789".utf8))
        #expect(try file.descriptor.write(Array("AB".utf8).span.bytes, at: 4) == 2)
        var bytes = [UInt8](repeating: 0, count: 4)
        #expect(try bytes.withMutableBytes { try file.descriptor.read(into: &$0, at: 3) } == 4)
        #expect(bytes == Array("3AB6".utf8))
        #expect(try bytes.withMutableBytes { try file.descriptor.read(into: &$0, at: 10) } == 0)
        #expect(throws: Errno.invalidArgument) {
            try bytes.withMutableBytes { try file.descriptor.read(into: &$0, at: -1) }
        }
        #expect(try file.descriptor.readToEnd() == Array("0123AB6789".utf8))
        let pipe = try Pipe()
        #expect(throws: Errno.illegalSeek) { try pipe.writeEnd.descriptor.write(bytes.span.bytes, at: 0) }
    }

    @Test("the position is moved from the start, from where it is and from the end, and told from the start")
    func seek() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("0123456789".utf8))
        #expect(try file.descriptor.seek(to: 4) == 4)
        #expect(try file.descriptor.readExactly(1) == Array("4".utf8))
        #expect(try file.descriptor.seek(to: 2, from: .current) == 7)
        #expect(try file.descriptor.seek(to: -3, from: .current) == 4)
        #expect(try file.descriptor.seek(to: -1, from: .end) == 9)
        #expect(try file.descriptor.readToEnd() == Array("9".utf8))
        #expect(try file.descriptor.seek(to: 0, from: .current) == 10)
        // Beyond the end is a place too; what lies between reads as zeros once something is written there.
        #expect(try file.descriptor.seek(to: 2, from: .end) == 12)
        try file.descriptor.writeAll("x")
        #expect(try file.descriptor.seek(to: 9, from: .start) == 9)
        #expect(try file.descriptor.readToEnd() == Array("9\0\0x".utf8))
        #expect(throws: Errno.invalidArgument) { try file.descriptor.seek(to: -14, from: .end) }
        #expect(try file.descriptor.seek(to: 0, from: .current) == 13)
    }

    #if os(Linux)
        @Test("a terminal is one, on the side that programs use")
        func terminal() throws {
            let terminal = try Terminal()
            #expect(terminal.follower.descriptor.isTerminal)
            let pipe = try Pipe()
            #expect(!pipe.readEnd.descriptor.isTerminal)
            #expect(!FileDescriptor(rawValue: -1).isTerminal)
        }
    #endif

    @Test("a descriptor can be made to stand for another's open file")
    func duplicateOnto() throws {
        #expect(try runHelper("SyscallsHelper", ["duplicate-onto"]) == .success)
    }
}

extension [UInt8] {
    fileprivate mutating func withMutableBytes<Result>(_ body: (inout MutableRawSpan) throws -> Result) rethrows
        -> Result
    {
        var span = mutableSpan
        var bytes = span.mutableBytes
        return try body(&bytes)
    }
}
