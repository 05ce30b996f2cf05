import CSyscalls
import Syscalls

/// Who is at the other end of a connected Unix socket, as the kernel noted when it was connected. See unix(7).
public struct PeerCredentials: Hashable, Sendable {
    public let process: ProcessID
    /// The effective user.
    public let user: UInt32
    /// The effective group.
    public let group: UInt32

    /// Asks the kernel. The corresponding C functions are `getsockopt` with `SO_PEERCRED`, and `getpeereid` on Darwin.
    public init(of socket: FileDescriptor) throws(Errno) {
        var pid: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
        try checked(csys_peer_credentials(socket.rawValue, &pid, &user, &group))
        self.process = ProcessID(rawValue: pid)
        self.user = user
        self.group = group
    }
}
