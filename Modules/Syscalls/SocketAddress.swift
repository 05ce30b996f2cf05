#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An address that a socket can be bound or connected to. See unix(7), ip(7), ipv6(7).
public struct SocketAddress: Sendable {
    package let storage: sockaddr_storage
    package let length: socklen_t

    package init(storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    /// The address family: `AF_UNIX`, `AF_INET` or `AF_INET6`. The corresponding C field is `sa_family`.
    public var family: CInt { CInt(storage.ss_family) }

    /// A path in the file system, or on Linux a name in the abstract space when it starts with a NUL.
    ///
    /// - Throws: `Errno.nameTooLong` when the path does not fit a `sockaddr_un` (107 bytes on Linux);
    ///   `Errno.invalidArgument` for an empty one, or one with a NUL in it, where the kernel would take another path.
    ///
    /// See unix(7).
    public init(unixPath path: String) throws(Errno) {
        let bytes = Array(path.utf8)
        let isAbstract = bytes.first == 0
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, isAbstract || !bytes.contains(0) else { throw .invalidArgument }
        guard bytes.count + (isAbstract ? 0 : 1) <= room else { throw .nameTooLong }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // An abstract name is as long as the length says; a path ends with a NUL.
        let header = MemoryLayout<sockaddr_un>.size - room
        self.init(address, length: socklen_t(header + bytes.count + (isAbstract ? 0 : 1)))
    }

    /// Bytes of the longest path of a Unix address.
    package static let longestUnixPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// The addresses of a host and port, in the order in which they should be tried.
    ///
    /// - Parameters:
    ///   - host: A name or a numeric address of either version.
    ///   - forBinding: Whether it is to be listened at: an empty host is every address then.
    /// - Throws: `Errno.addressNotAvailable` when the host has no address.
    ///
    /// The corresponding C function is `getaddrinfo`. It may ask a name server, and takes as long as that does.
    public static func resolve(
        host: String, port: UInt16, forBinding: Bool = false
    ) throws(Errno) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = SocketKind.stream.rawValue
        hints.ai_flags = AI_NUMERICSERV | (forBinding ? AI_PASSIVE : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &list)
        guard result == 0 else {
            throw result == EAI_SYSTEM ? Errno.current : result == EAI_MEMORY ? .noMemory : .addressNotAvailable
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let information = next?.pointee {
            var storage = sockaddr_storage()
            withUnsafeMutableBytes(of: &storage) {
                $0.copyMemory(
                    from: UnsafeRawBufferPointer(start: information.ai_addr, count: Int(information.ai_addrlen)))
            }
            addresses.append(SocketAddress(storage: storage, length: information.ai_addrlen))
            next = information.ai_next
        }
        return addresses
    }

    /// The path of a Unix address; starts with a NUL for an abstract one, `nil` for other families and nameless
    /// sockets. See unix(7).
    public var unixPath: String? {
        let header = MemoryLayout<sa_family_t>.size
        guard family == AF_UNIX, Int(length) > header else { return nil }
        return withUnsafeBytes(of: storage) { bytes in
            let path = bytes[header..<Int(length)]
            if path.first == 0 { return String(decoding: path, as: UTF8.self) }
            return String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The numeric host of an internet address. The corresponding C function is `getnameinfo`.
    public var host: String? {
        guard family != AF_UNIX else { return nil }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { name in
            withPointer { pointer in
                getnameinfo(pointer, length, name.baseAddress, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
                    ? String(cString: name.baseAddress!) : nil
            }
        }
    }

    /// The port of an internet address. See ip(7).
    public var port: UInt16? {
        withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET: UInt16(bigEndian: bytes.load(as: sockaddr_in.self).sin_port)
            case AF_INET6: UInt16(bigEndian: bytes.load(as: sockaddr_in6.self).sin6_port)
            default: nil
            }
        }
    }

    private init<Address>(_ address: Address, length: socklen_t) {
        var storage = sockaddr_storage()
        withUnsafeBytes(of: address) { source in
            withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: source) }
        }
        self.init(storage: storage, length: length)
    }

    package func withPointer<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafeBytes(of: storage) { body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self)) }
    }

    /// Reads an address that a call stores, such as `accept`'s.
    package static func stored<Result>(
        by call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) throws(Errno) -> Result
    ) throws(Errno) -> (result: Result, address: SocketAddress) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = try withUnsafeMutableBytes(of: &storage) { bytes throws(Errno) in
            try call(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return (result, SocketAddress(storage: storage, length: length))
    }
}
