import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Removes a directory with everything in it, and nothing outside.
///
/// Every step goes from an open directory to a name in it, and no link is followed: whoever swaps a directory for a link
/// meanwhile has the link removed, and what it points to is not touched. Other file systems mounted inside are left alone.
/// See openat(2), unlinkat(2).
enum DirectoryRemoval {
    /// Each level takes a descriptor and some stack.
    static let mostLevels = 500

    /// - Throws: `.noSuchFileOrDirectory` when there is nothing; `.notDirectory` for a file.
    static func remove(_ path: [UInt8]) throws(Errno) {
        var path = path
        while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
        let split = path.lastIndex(of: UInt8(ascii: "/"))
        let name = Array(path[(split.map { $0 + 1 } ?? 0)...])
        // What the path names is not clear, or is everything there is.
        if name.isEmpty || name == Array(".".utf8) || name == Array("..".utf8) { throw .invalidArgument }
        let parentPath = split.map { $0 == 0 ? Array("/".utf8) : Array(path[..<$0]) } ?? Array(".".utf8)
        // The way there may lead through links: they were there when the directory was registered.
        let parent = try openDirectory(name: parentPath, in: FileDescriptor(rawValue: AT_FDCWD), followingLink: true)
        try removeDirectory(name, in: parent.descriptor, device: nil, level: 0)
    }

    private static func removeDirectory(
        _ name: [UInt8], in parent: FileDescriptor, device: UInt64?, level: Int
    ) throws(Errno) {
        let directory: OwnedFileDescriptor
        do throws(Errno) {
            directory = try openDirectory(name: name, in: parent, followingLink: false)
        } catch {
            // It is a link, or has become one.
            guard try isLink(name, in: parent) else { throw error }
            return try unlink(name, in: parent, flags: 0)
        }
        let ownDevice = try directory.descriptor.status().identity.device
        if let device, ownDevice != device { throw .improperLink }
        if level == mostLevels { throw .tooManySymbolicLinkLevels }
        // Somebody may still be filling it.
        for attempt in 1...3 {
            try removeEntries(of: directory.descriptor, device: ownDevice, level: level)
            do throws(Errno) {
                return try unlink(name, in: parent, flags: AT_REMOVEDIR)
            } catch {
                if error == .notDirectory { return try unlink(name, in: parent, flags: 0) }
                guard error == .directoryNotEmpty, attempt < 3 else { throw error }
            }
        }
    }

    /// Goes on with the others when one cannot be removed; throws the first error in the end.
    private static func removeEntries(of directory: FileDescriptor, device: UInt64, level: Int) throws(Errno) {
        var failure: Errno?
        for entry in try directory.entriesOfDirectory() {
            do throws(Errno) {
                if entry.kind == .directory {
                    try removeDirectory(entry.name, in: directory, device: device, level: level + 1)
                } else {
                    try unlinkAnything(entry.name, in: directory, device: device, level: level)
                }
            } catch {
                if error != .noSuchFileOrDirectory, failure == nil { failure = error }
            }
        }
        if let failure { throw failure }
    }

    /// For a name that was no directory when it was read, or of which the file system does not tell.
    private static func unlinkAnything(
        _ name: [UInt8], in directory: FileDescriptor, device: UInt64, level: Int
    ) throws(Errno) {
        do throws(Errno) {
            try unlink(name, in: directory, flags: 0)
        } catch {
            // EISDIR on Linux, EPERM in POSIX.
            guard error == .isDirectory || error == .notPermitted else { throw error }
            try removeDirectory(name, in: directory, device: device, level: level + 1)
        }
    }

    private static func openDirectory(
        name: [UInt8], in parent: FileDescriptor, followingLink: Bool
    ) throws(Errno) -> OwnedFileDescriptor {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (followingLink ? 0 : O_NOFOLLOW)
        let path = cString(name)
        return OwnedFileDescriptor(owning: try retryingOnInterrupt { openat(parent.rawValue, path, flags) })
    }

    private static func isLink(_ name: [UInt8], in parent: FileDescriptor) throws(Errno) -> Bool {
        var information = stat()
        let path = cString(name)
        try checked(fstatat(parent.rawValue, path, &information, AT_SYMLINK_NOFOLLOW))
        return information.st_mode & S_IFMT == S_IFLNK
    }

    private static func unlink(_ name: [UInt8], in directory: FileDescriptor, flags: CInt) throws(Errno) {
        try checked(unlinkat(directory.rawValue, cString(name), flags))
    }
}

/// The bytes and a zero, as C functions want a name. See string(3).
func cString(_ bytes: [UInt8]) -> [CChar] {
    bytes.map { CChar(bitPattern: $0) } + [0]
}
