import CSyscalls
import Syscalls

/// Who is at the other end of a Unix socket, as the kernel vouches for. See unix(7).
public struct PeerCredentials: Hashable, Sendable {
    /// The process, by its number among those that this one sees.
    public let process: ProcessID
    /// The effective user.
    public let user: UInt32
    /// The effective group.
    public let group: UInt32

    /// Who had the other end when the socket was connected.
    ///
    /// The corresponding C functions are `getsockopt` with `SO_PEERCRED`, and `getpeereid` on Darwin.
    public init(of socket: FileDescriptor) throws(Errno) {
        var pid: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
        try checked(csys_peer_credentials(socket.rawValue, &pid, &user, &group))
        self.process = ProcessID(rawValue: pid)
        self.user = user
        self.group = group
    }

    #if os(Linux)
        fileprivate init?(_ credentials: csys_credentials) {
            guard credentials.pid != 0 else { return nil }
            process = ProcessID(rawValue: credentials.pid)
            user = credentials.uid
            group = credentials.gid
        }
    #endif
}

#if os(Linux)
    extension FileDescriptor {
        /// Has the kernel attach the sender's credentials to each message that this Unix socket receives. Linux only.
        ///
        /// To be switched on before the peer sends. Such a socket is then read with `receiveWithCredentials` only.
        /// The corresponding C function is `setsockopt` with `SO_PASSCRED`.
        public func setPassesCredentials(_ on: Bool) throws(Errno) {
            try checked(csys_pass_credentials(rawValue, on ? 1 : 0))
        }

        /// Receives bytes from a Unix socket, and who sent them. Linux only.
        ///
        /// - Parameter count: The most bytes. Those of two senders are never given together.
        /// - Returns: No bytes at the end of the stream; `nil` credentials where the socket does not pass them.
        /// - Throws: `FDPassingError`; descriptors that come with the bytes are `.tooMany`, and closed.
        ///
        /// The corresponding C function is `recvmsg` with `SCM_CREDENTIALS`.
        public func receiveWithCredentials(
            upTo count: Int
        ) throws(FDPassingError) -> (bytes: [UInt8], sender: PeerCredentials?) {
            var none = DescriptorBatch()
            var credentials = csys_credentials()
            let bytes = try Self.array(capacity: count) { buffer throws(FDPassingError) in
                try receive(into: buffer, descriptors: &none, limit: 0, credentials: &credentials)
            }
            return (bytes, PeerCredentials(credentials))
        }
    }
#endif
