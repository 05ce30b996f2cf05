#if os(Linux)
    import Glibc
    import Syscalls

    /// A terminal that nobody sits at, and the other side of it. See pty(7).
    struct Terminal: ~Copyable {
        let leader: OwnedFileDescriptor
        let follower: OwnedFileDescriptor

        init() throws {
            let withoutControl = OpenOptions(rawValue: O_NOCTTY)
            let leader = try OwnedFileDescriptor.open("/dev/ptmx", [.readWrite, withoutControl])
            // TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)), which Swift does not import: what unlockpt and ptsname do.
            var lock: CInt = 0
            var number: CInt = 0
            guard ioctl(leader.descriptor.rawValue, 0x4004_5431, &lock) == 0,
                ioctl(leader.descriptor.rawValue, 0x8004_5430, &number) == 0
            else { throw Errno(rawValue: errno) }
            let follower = try OwnedFileDescriptor.open("/dev/pts/\(number)", [.readWrite, withoutControl])
            self.leader = leader
            self.follower = follower
        }
    }
#endif
