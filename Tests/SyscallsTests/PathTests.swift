import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Paths and directories")
struct PathTests {
    #if os(Linux)
        // Darwin's file systems take no other names than UTF-8.
        @Test("a file whose name is not UTF-8 is created, found in its directory, looked at and opened by its bytes")
        func bytes() throws {
            let names: [[UInt8]] = [
                [0xff], [0x61, 0x80, 0x62], [0xc3], Array("ü☃".utf8), [0x0a], [0x20, 0xed, 0xa0, 0x80],
            ]
            let directory = try TemporaryDirectory()
            for name in names { _ = try directory.create(nameBytes: name, name) }
            let parent = try OwnedFileDescriptor.open(Array(directory.path.utf8), [.readOnly, .directory])
            let entries = try parent.descriptor.entriesOfDirectory()
            #expect(Set(entries.map(\.name)) == Set(names))
            #expect(entries.allSatisfy { $0.kind == .regular })
            for entry in entries {
                let path = Array((directory.path + "/").utf8) + entry.name
                let file = try OwnedFileDescriptor.open(path, .readOnly)
                #expect(try file.descriptor.isCloseOnExec())
                #expect(try file.descriptor.readToEnd() == entry.name)
                #expect(try FileStatus(ofFileAt: path).identity == file.descriptor.status().identity)
            }
            // As text they are repaired, and name no file any more.
            let texts = try directoryEntries(directory.path)
            #expect(texts.count == names.count)
            #expect(texts.contains("\u{fffd}"))
            #expect(!exists(directory.file("\u{fffd}")))
        }
    #endif

    @Test("what is wrong with a path given by its bytes is told as with one given as text")
    func wrongPaths() throws {
        let directory = try TemporaryDirectory()
        let file = Array(directory.file("file").utf8)
        _ = try OwnedFileDescriptor.open(file, [.writeOnly, .create], permissions: 0o600)
        #expect(try FileStatus(ofFileAt: file).permissions == 0o600)
        #expect(throws: Errno.fileExists) { _ = try OwnedFileDescriptor.open(file, [.writeOnly, .create, .exclusive]) }
        #expect(throws: Errno.notDirectory) { _ = try FileStatus(ofFileAt: file + Array("/x".utf8)) }
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try FileStatus(ofFileAt: file + [0x78]) }
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try FileStatus(ofFileAt: [UInt8]()) }
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try OwnedFileDescriptor.open([UInt8](), .readOnly) }
        let long = [UInt8](repeating: 0x78, count: 5000)
        #expect(throws: Errno.nameTooLong) { _ = try OwnedFileDescriptor.open(long, .readOnly) }
    }

    @Test("a symbolic link stands for its file or for itself, and is not opened where that is asked for")
    func links() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file")
        #expect(symlink(directory.file("file"), directory.file("link")) == 0)
        let link = Array(directory.file("link").utf8)
        #expect(try FileStatus(ofFileAt: link).identity == file.descriptor.status().identity)
        #expect(try FileStatus(ofFileAt: link, followLinks: false).kind == .symbolicLink)
        #expect(throws: Errno.tooManySymbolicLinkLevels) {
            _ = try OwnedFileDescriptor.open(link, [.readOnly, .noFollow])
        }
    }

    @Test("each entry of a directory tells what it names")
    func kinds() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.create("file")
        #expect(mkdir(directory.file("directory"), 0o700) == 0)
        #expect(mkfifo(directory.file("fifo"), 0o600) == 0)
        #expect(symlink("nothing", directory.file("link")) == 0)
        let socket = try OwnedFileDescriptor.socket(family: AF_UNIX)
        try socket.descriptor.bind(to: SocketAddress(unixPath: directory.file("socket")))
        let parent = try OwnedFileDescriptor.open(directory.path, [.readOnly, .directory])
        let expected: [String: FileStatus.Kind] = [
            "file": .regular, "directory": .directory, "fifo": .fifo, "link": .symbolicLink, "socket": .socket,
        ]
        // Twice: the first listing leaves the position alone, or goes back to the start.
        for _ in 0..<2 {
            let entries = try parent.descriptor.entriesOfDirectory()
            let kinds = entries.map { (String(decoding: $0.name, as: UTF8.self), $0.kind) }
            #expect(Dictionary(kinds) { first, _ in first } == expected)
            #expect(entries.count == expected.count)
        }
        for (name, kind) in expected {
            #expect(try FileStatus(ofFileAt: directory.file(name), followLinks: false).kind == kind)
        }
        #expect(throws: Errno.notDirectory) { _ = try socket.descriptor.entriesOfDirectory() }
    }

    @Test("a directory of many entries and long names is listed whole")
    func manyEntries() throws {
        let directory = try TemporaryDirectory()
        let names = Set((0..<300).map { "\($0)-" + String(repeating: "x", count: 250) })
        for name in names { _ = try directory.create(name) }
        #expect(try Set(directoryEntries(directory.path)) == names)
    }

    @Test("a test's directory goes with its value, whatever is in it")
    func temporaryDirectory() throws {
        let path: String
        do {
            let directory = try TemporaryDirectory()
            path = directory.path
            _ = try directory.create("file")
            #if os(Linux)
                _ = try directory.create(nameBytes: [0xff])
            #endif
            #expect(mkdir(directory.file("directory"), 0o700) == 0)
            #expect(symlink("nothing", directory.file("link")) == 0)
            #expect(exists(path))
        }
        #expect(!exists(path))
    }
}
