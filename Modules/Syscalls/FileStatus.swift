#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the kernel tells of a file. See stat(2).
public struct FileStatus: Sendable {
    /// What kind of file it is. See inode(7).
    public enum Kind: Sendable {
        case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice, unknown
    }

    /// What kind of file it is. The corresponding C field is `st_mode`.
    public let kind: Kind
    /// Bytes. The corresponding C field is `st_size`.
    public let size: Int64
    /// Permission bits. The corresponding C field is `st_mode`.
    public let permissions: mode_t
    /// The user who owns it. The corresponding C field is `st_uid`.
    public let owner: uid_t
    /// Number of names of the file. The corresponding C field is `st_nlink`.
    public let linkCount: Int
    /// Device and inode: equal for two descriptors of the same file. The corresponding C fields are `st_dev` and
    /// `st_ino`.
    public let identity: Identity

    /// What no two files have in common at a time. See inode(7).
    public struct Identity: Hashable, Sendable {
        /// The file system that it is on. The corresponding C field is `st_dev`.
        public let device: UInt64
        /// Its number there. The corresponding C field is `st_ino`.
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
