#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the kernel tells of a file. See stat(2).
public struct FileStatus: Sendable {
    /// What kind of file it is.
    public enum Kind: Sendable {
        case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice, unknown
    }

    public let kind: Kind
    /// Bytes.
    public let size: Int64
    /// Permission bits.
    public let permissions: mode_t
    public let owner: uid_t
    /// Number of names of the file.
    public let linkCount: Int
    /// Device and inode: equal for two descriptors of the same file.
    public let identity: Identity

    public struct Identity: Hashable, Sendable {
        public let device: UInt64
        public let inode: UInt64
    }

    init(_ information: stat) {
        kind =
            switch information.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            case S_IFCHR: .characterDevice
            case S_IFBLK: .blockDevice
            default: .unknown
            }
        size = Int64(information.st_size)
        permissions = information.st_mode & 0o7777
        owner = information.st_uid
        linkCount = Int(information.st_nlink)
        identity = Identity(
            device: UInt64(truncatingIfNeeded: information.st_dev), inode: UInt64(information.st_ino))
    }

    /// The status of the file at a path.
    ///
    /// - Parameter followLinks: Whether a symbolic link stands for what it points to.
    ///
    /// The corresponding C functions are `stat` and `lstat`.
    public init(ofFileAt path: String, followLinks: Bool = true) throws(Errno) {
        try self.init(ofFileAt: Array(path.utf8), followLinks: followLinks)
    }

    /// The status of the file at a path that need not be UTF-8. The corresponding C functions are `stat` and `lstat`.
    public init(ofFileAt path: [UInt8], followLinks: Bool = true) throws(Errno) {
        let path = path.map { CChar(bitPattern: $0) } + [0]
        var information = stat()
        _ = try retryingOnInterrupt { followLinks ? stat(path, &information) : lstat(path, &information) }
        self.init(information)
    }
}
