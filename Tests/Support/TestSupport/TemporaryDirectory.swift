import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A fresh directory, removed with what is in it when this value goes.
public struct TemporaryDirectory: ~Copyable, Sendable {
    public let path: String

    public init() throws {
        let path = "/tmp/forkserver-test-\(ProcessID.current)-\(try randomName())"
        guard mkdir(path, 0o700) == 0 else { throw Errno(rawValue: errno) }
        self.path = path
    }

    /// The path of a file in it.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Opens a new file in it, to read and write.
    public func create(_ name: String, _ contents: [UInt8] = []) throws -> OwnedFileDescriptor {
        let file = try OwnedFileDescriptor.open(file(name), [.readWrite, .create, .exclusive])
        try file.descriptor.writeAll(contents)
        try file.descriptor.seek(to: 0)
        return file
    }

    /// Opens a new file in it whose name need not be UTF-8.
    public func create(nameBytes name: [UInt8], _ contents: [UInt8] = []) throws -> OwnedFileDescriptor {
        let file = try OwnedFileDescriptor.open(Array((path + "/").utf8) + name, [.readWrite, .create, .exclusive])
        try file.descriptor.writeAll(contents)
        try file.descriptor.seek(to: 0)
        return file
    }

    deinit {
        for name in (try? Self.names(in: path)) ?? [] {
            let file = (Array((path + "/").utf8) + name + [0]).map { CChar(bitPattern: $0) }
            if unlink(file) != 0 { rmdir(file) }
        }
        rmdir(path)
    }

    private static func names(in path: String) throws(Errno) -> [[UInt8]] {
        let directory = try OwnedFileDescriptor.open(path, [.readOnly, .directory])
        return try directory.descriptor.entriesOfDirectory().map(\.name)
    }
}

/// Whether there is anything under the path, a dangling link included.
public func exists(_ path: String) -> Bool {
    (try? FileStatus(ofFileAt: path, followLinks: false)) != nil
}
