import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file that a Unix listener has made in the file system, and removes when it closes.
///
/// A process that dies leaves its file behind. Such a stale one is told from a live one by connecting to it, and replaced. Two
/// processes that do so at the same time could remove each other's fresh file: so each locks the directory meanwhile
/// (flock(2)), where it may be opened.
struct SocketFile: Sendable {
    let path: String
    /// Which file it was: another's under the same name is not removed.
    private let identity: FileStatus.Identity
    /// The directory that was made for it alone.
    private let directory: String?

    /// Has a socket listen at an address in the file system.
    ///
    /// - Parameter directory: One that goes with the file.
    /// - Throws: `Errno.addressInUse` when somebody listens there, or the path names something else than a socket.
    static func listen(
        _ socket: FileDescriptor, at path: String, backlog: Int, alone directory: String? = nil
    ) throws(Errno) -> SocketFile {
        let address = try SocketAddress(unixPath: path)
        // Until it listens as well, the file looks stale.
        return try whileDirectoryIsLocked(of: path) { () throws(Errno) in
            do throws(Errno) {
                try socket.bind(to: address)
            } catch {
                guard error == .addressInUse, isStale(address, path) else { throw error }
                unlink(path)
                try socket.bind(to: address)
            }
            do throws(Errno) {
                try socket.listen(backlog: backlog)
                let identity = try FileStatus(ofFileAt: path, followLinks: false).identity
                return SocketFile(path: path, identity: identity, directory: directory)
            } catch {
                unlink(path)
                throw error
            }
        }
    }

    /// Has a socket listen at a path in place of another listener, if there is one: a client gets either of the two.
    ///
    /// - Throws: `Errno.addressInUse` when the name with a `~` after it, which it has at first, is taken.
    static func takeOver(_ socket: FileDescriptor, at path: String, backlog: Int) throws(Errno) -> SocketFile {
        let draft = try listen(socket, at: path + "~", backlog: backlog)
        return try whileDirectoryIsLocked(of: path) { () throws(Errno) in
            guard rename(draft.path, path) == 0 else {
                let error = Errno.current
                unlink(draft.path)
                throw error
            }
            return SocketFile(path: path, identity: draft.identity, directory: nil)
        }
    }

    /// Removes the file, if it is still this one, and the directory that was made for it.
    func remove() {
        try? whileDirectoryIsLocked(of: path) { () throws(Errno) in
            if try FileStatus(ofFileAt: path, followLinks: false).identity == identity { unlink(path) }
        }
        if let directory { rmdir(directory) }
    }

    /// Whether the path is a socket that its listener has left behind: connecting to it is refused.
    private static func isStale(_ address: SocketAddress, _ path: String) -> Bool {
        guard (try? FileStatus(ofFileAt: path, followLinks: false))?.kind == .socket else { return false }
        do throws(Errno) {
            // A live one's full backlog is not waited for: others wait for the lock.
            _ = try OwnedFileDescriptor.connect(to: address, until: .now)
            return false
        } catch {
            return error == .connectionRefused
        }
    }
}

/// Runs a change to a directory while no other process of ours makes one, as far as that can be had: whoever may not read the
/// directory goes without, and so does everybody when somebody keeps the lock for longer than it takes to replace a file.
///
/// The corresponding C function is `flock`.
private func whileDirectoryIsLocked<Result>(
    of path: String, _ body: () throws(Errno) -> Result
) throws(Errno) -> Result {
    let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    guard let directory = try? OwnedFileDescriptor.open(parent, [.readOnly, .directory]).take() else {
        return try body()
    }
    // Closing the descriptor gives the lock up.
    defer { OwnedFileDescriptor(owning: directory).discard() }
    let deadline = Deadline.after(.seconds(3))
    while flock(directory, LOCK_EX | LOCK_NB) == -1, errno == EWOULDBLOCK || errno == EINTR, !deadline.hasPassed {
        Deadline.after(.milliseconds(1)).sleep()
    }
    return try body()
}
