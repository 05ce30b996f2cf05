import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The two ends of a pipe. A tuple could not hold owned descriptors.
///
/// Frozen, so that other modules can take the ends apart.
@frozen public struct Pipe: ~Copyable, Sendable {
    public var readEnd: OwnedFileDescriptor
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

/// Two connected Unix sockets.
@frozen public struct SocketPair: ~Copyable, Sendable {
    public var first: OwnedFileDescriptor
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
    public let rawValue: CInt
    public init(rawValue: CInt) { self.rawValue = rawValue }

    #if os(Linux)
        public static var stream: SocketKind { SocketKind(rawValue: CInt(SOCK_STREAM.rawValue)) }
        /// A connected stream of messages. Linux only.
        public static var sequencedPacket: SocketKind { SocketKind(rawValue: CInt(SOCK_SEQPACKET.rawValue)) }
    #else
        public static var stream: SocketKind { SocketKind(rawValue: SOCK_STREAM) }
    #endif
}
