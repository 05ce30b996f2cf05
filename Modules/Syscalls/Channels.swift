import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The two ends of a pipe. A tuple could not hold owned descriptors.
///
/// Frozen, so that other modules can take the ends apart. See pipe(7).
@frozen public struct Pipe: ~Copyable, Sendable {
    /// Where what was written is read. See pipe(7).
    public var readEnd: OwnedFileDescriptor
    /// Where what the other end reads is written. See pipe(7).
    public var writeEnd: OwnedFileDescriptor

    /// A pipe with both ends close-on-exec.
    ///
    /// The corresponding C function is `pipe2`.
    public init() throws(Errno) {
        var descriptors: (CInt, CInt) = (-1, -1)
        try withUnsafeMutableBytes(of: &descriptors) { bytes throws(Errno) in
            _ = try checked(csys_pipe(bytes.baseAddress!.assumingMemoryBound(to: CInt.self)))
        }
        readEnd = OwnedFileDescriptor(owning: descriptors.0)
        writeEnd = OwnedFileDescriptor(owning: descriptors.1)
    }
}

extension Pipe {
    /// Takes over two ends that belong together, such as those that were received.
    package init(readEnd: consuming OwnedFileDescriptor, writeEnd: consuming OwnedFileDescriptor) {
        self.readEnd = readEnd
        self.writeEnd = writeEnd
    }
}

/// Two connected Unix sockets. See socketpair(2).
@frozen public struct SocketPair: ~Copyable, Sendable {
    /// One of them; both are alike. See socketpair(2).
    public var first: OwnedFileDescriptor
    /// The other one. See socketpair(2).
    public var second: OwnedFileDescriptor

    /// A pair of connected sockets, both close-on-exec.
    ///
    /// The corresponding C function is `socketpair` with `AF_UNIX`.
    public init(_ kind: SocketKind = .stream) throws(Errno) {
        var descriptors: (CInt, CInt) = (-1, -1)
        try withUnsafeMutableBytes(of: &descriptors) { bytes throws(Errno) in
            _ = try checked(
                csys_socketpair(AF_UNIX, kind.rawValue, bytes.baseAddress!.assumingMemoryBound(to: CInt.self)))
        }
        first = OwnedFileDescriptor(owning: descriptors.0)
        second = OwnedFileDescriptor(owning: descriptors.1)
    }
}

/// Whether a socket carries a stream of bytes or messages. See socket(2).
public struct SocketKind: RawRepresentable, Hashable, Sendable {
    /// The number that socket(2) takes as its type.
    public let rawValue: CInt
    /// A type of socket(2) that has no name here.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    #if os(Linux)
        /// The corresponding C constant is `SOCK_STREAM`.
        public static var stream: SocketKind { SocketKind(rawValue: CInt(SOCK_STREAM.rawValue)) }
        /// A connected stream of messages. Linux only. The corresponding C constant is `SOCK_SEQPACKET`.
        public static var sequencedPacket: SocketKind { SocketKind(rawValue: CInt(SOCK_SEQPACKET.rawValue)) }
        /// Messages without a connection. The corresponding C constant is `SOCK_DGRAM`.
        public static var datagram: SocketKind { SocketKind(rawValue: CInt(SOCK_DGRAM.rawValue)) }
    #else
        /// The corresponding C constant is `SOCK_STREAM`.
        public static var stream: SocketKind { SocketKind(rawValue: SOCK_STREAM) }
        /// Messages without a connection. The corresponding C constant is `SOCK_DGRAM`.
        public static var datagram: SocketKind { SocketKind(rawValue: SOCK_DGRAM) }
    #endif
}
