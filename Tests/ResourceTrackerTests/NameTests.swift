import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@testable import ResourceTracker

@Suite("Names of resources", .timeLimit(.minutes(10))) struct NameTests {
    @Test(
        "names with colons, line ends, quotes and bytes that are no UTF-8 are tracked as they are",
        arguments: [
            Array("a:b::c".utf8), Array("two\nlines\n".utf8), Array("REGISTER:x:file\n".utf8), Array("\r\t\u{1}".utf8),
            Array(#"{"cmd":"REGISTER"}"#.utf8), [0xff, 0xfe, 0x0a, 0xc3], Array("ü 漢".utf8), [0x20],
        ] as [[UInt8]])
    func bytes(name: [UInt8]) throws {
        let directory = try TemporaryDirectory()
        _ = try directory.create(nameBytes: name)
        _ = try directory.create(nameBytes: name + [0x32])
        let path = Array(directory.file("").utf8) + name
        let leaks: [LeakedResource] = try {
            let tracker = ResourceTracker(executable: helperPath)
            let log = LeakLog(of: tracker)
            try tracker.register(path, .file)
            try tracker.register(path + [0x32], .file)
            try tracker.unregister(path + [0x32], .file)
            #expect(try tracker.close() == .exited(1))
            return log.leaks
        }()
        #expect(leaks == [LeakedResource(kind: .file, nameBytes: path, owner: .current)])
        let left = try OwnedFileDescriptor.open(directory.path, [.readOnly, .directory])
        #expect(try left.descriptor.entriesOfDirectory().map(\.name) == [name + [0x32]])
    }

    @Test("names longer than a line of the protocol, and than a pipe takes in one piece, are tracked")
    func long() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        for length in [500, 512, 600, 4000, 4095] {
            // The same file by a long way.
            let detour = String(repeating: "./", count: (length - file.utf8.count) / 2)
            let path = directory.file(detour + "file")
            _ = try? directory.makeFile("file")
            try withTracker(endsWith: .exited(1)) { tracker, _ in
                try tracker.register(path, .file)
                for _ in 0..<200 {
                    try tracker.register(path + "x", .file)
                    try tracker.unregister(path + "x", .file)
                }
            }
            #expect(!exists(file))
        }
    }

    @Test("a name of any bytes is tracked for custom kinds too, zero bytes included")
    func zeroBytes() throws {
        try withTracker(endsWith: .exited(2)) { tracker, _ in try tracker.register([0, 1, 0], .custom(OnlyHere.self)) }
    }
}
