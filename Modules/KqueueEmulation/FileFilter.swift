#if os(Linux)
    import Glibc
    import Syscalls

    /// EVFILT_READ of a regular file, which epoll does not take.
    final class FileFilter: EventFilter {
        private let file: FileDescriptor
        private let identity: FileStatus.Identity
        /// Always readable: gives the hints for as long as there is something to read.
        private let standing: EventCounter
        /// Gives them when the file has changed.
        private let changes: OwnedFileDescriptor

        init(_ change: KernelEvent) throws(Errno) {
            file = change.descriptor
            identity = try file.status().identity
            standing = try EventCounter()
            try standing.add()
            changes = OwnedFileDescriptor(owning: try checked(inotify_init1(CInt(IN_CLOEXEC | IN_NONBLOCK))))
            try checked(
                inotify_add_watch(changes.descriptor.rawValue, "/proc/self/fd/\(file.rawValue)", UInt32(IN_MODIFY)))
        }

        var sources: [Source] { [.owned(standing.descriptor), .owned(changes.descriptor)] }

        var isAttached: Bool { (try? file.status())?.identity == identity }

        func change(by change: KernelEvent) {}

        func occurrence() -> Occurrence? {
            // What came until now; the next change is a new edge.
            _ = try? changes.descriptor.read(upTo: 4096)
            guard let size = try? file.status().size, let position = try? file.seek(to: 0, from: .current),
                size != position
            else { return nil }
            return Occurrence(data: Int(size - position))
        }
    }
#endif
