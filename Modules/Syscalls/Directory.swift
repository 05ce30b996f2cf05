#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A name in a directory. See readdir(3).
public struct DirectoryEntry: Sendable {
    /// The name's bytes, which need not be UTF-8. The corresponding C field is `d_name`.
    public let name: [UInt8]
    /// What it names, where the file system tells without being asked again; links are not followed. The corresponding
    /// C field is `d_type`.
    public let kind: FileStatus.Kind
}

extension FileDescriptor {
    /// What is in the directory that this descriptor was opened for, without `.` and `..`, in no order.
    ///
    /// The corresponding C functions are `fdopendir` and `readdir`.
    public func entriesOfDirectory() throws(Errno) -> [DirectoryEntry] {
        // The stream owns its descriptor.
        let number = try duplicate().take()
        guard let stream = fdopendir(number) else {
            let error = Errno.current
            OwnedFileDescriptor(owning: number).discard()
            throw error
        }
        defer { closedir(stream) }
        rewinddir(stream)
        var entries: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw Errno.current }
                return entries
            }
            // The name may be longer than the structure says it is: it is read where it lies.
            let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
            let start = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: UInt8.self)
            let name = Array(
                UnsafeBufferPointer(
                    start: start, count: strlen(UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self))))
            if name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
            entries.append(DirectoryEntry(name: name, kind: FileStatus.Kind(directoryType: entry.pointee.d_type)))
        }
    }
}

extension FileStatus.Kind {
    fileprivate init(directoryType type: UInt8) {
        self =
            switch Int(type) {
            case Int(DT_REG): .regular
            case Int(DT_DIR): .directory
            case Int(DT_LNK): .symbolicLink
            case Int(DT_FIFO): .fifo
            case Int(DT_SOCK): .socket
            case Int(DT_CHR): .characterDevice
            case Int(DT_BLK): .blockDevice
            default: .unknown
            }
    }
}

/// The names in a directory as text, without `.` and `..`, in no order.
///
/// Names that are not UTF-8 are repaired, and do not open their file then; see `FileDescriptor.entriesOfDirectory`. The
/// corresponding C functions are `opendir` and `readdir`.
public func directoryEntries(_ path: String) throws(Errno) -> [String] {
    let directory = try OwnedFileDescriptor.open(path, [.readOnly, .directory])
    return try directory.descriptor.entriesOfDirectory().map { String(decoding: $0.name, as: UTF8.self) }
}

/// Creates a directory with a random name that nobody but this user can enter, in `TMPDIR` or `/tmp`.
///
/// - Parameter prefix: What its name begins with.
/// - Returns: Its path, from the root, and short enough that a socket inside has room for a name of 32 bytes; a longer or relative
///   `TMPDIR` is passed over.
///
/// The corresponding C function is `mkdtemp`.
public func createPrivateDirectory(named prefix: String) throws(Errno) -> String {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    let template = "/\(prefix)-XXXXXX"
    // What is in a relative one would be elsewhere after a `chdir`.
    let isUsable = parent.hasPrefix("/") && parent.utf8.count + template.utf8.count < SocketAddress.longestUnixPath - 32
    var path = Array(((isUsable ? parent : "/tmp") + template).utf8CString)
    guard mkdtemp(&path) != nil else { throw Errno.current }
    return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
