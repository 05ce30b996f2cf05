import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Socket addresses")
struct SocketAddressTests {
    @Test("a path is kept as it is, up to the longest that fits")
    func paths() throws {
        for path in ["/tmp/socket", "relative", "/tmp/ü/☃", "/" + String(repeating: "x", count: 106)] {
            let address = try SocketAddress(unixPath: path)
            #expect(address.family == AF_UNIX)
            #expect(address.unixPath == path)
            #expect(address.host == nil)
            #expect(address.port == nil)
        }
    }

    @Test("a path that does not fit or cannot be is an error")
    func wrongPaths() {
        #expect(throws: Errno.nameTooLong) { try SocketAddress(unixPath: "/" + String(repeating: "x", count: 107)) }
        #expect(throws: Errno.nameTooLong) { try SocketAddress(unixPath: "\0" + String(repeating: "x", count: 108)) }
        #expect(throws: Errno.invalidArgument) { try SocketAddress(unixPath: "") }
        // The kernel would take the part before the NUL: another file.
        #expect(throws: Errno.invalidArgument) { try SocketAddress(unixPath: "/tmp/a\0b") }
    }

    #if os(Linux)
        @Test("an abstract name is as long as it is, NULs in it included")
        func abstract() throws {
            for name in ["\0name", "\0a\0b", "\0" + String(repeating: "x", count: 107)] {
                #expect(try SocketAddress(unixPath: name).unixPath == name)
            }
        }
    #endif

    @Test("numeric hosts of both versions resolve to themselves")
    func numeric() throws {
        let four = try SocketAddress.resolve(host: "127.0.0.1", port: 4711)
        #expect(four.map(\.family) == [AF_INET])
        #expect(four.map(\.host) == ["127.0.0.1"])
        #expect(four.map(\.port) == [4711])
        let six = try SocketAddress.resolve(host: "::1", port: 65535)
        #expect(six.map(\.family) == [AF_INET6])
        #expect(six.map(\.host) == ["::1"])
        #expect(six.map(\.port) == [65535])
        #expect(six[0].unixPath == nil)
    }

    @Test("an empty host is every address to bind to, and this machine to connect to")
    func emptyHost() throws {
        let binding = try SocketAddress.resolve(host: "", port: 1, forBinding: true).compactMap(\.host)
        #expect(!binding.isEmpty && Set(binding).isSubset(of: ["0.0.0.0", "::"]))
        let connecting = try SocketAddress.resolve(host: "", port: 1).compactMap(\.host)
        #expect(!connecting.isEmpty && Set(connecting).isSubset(of: ["127.0.0.1", "::1"]))
    }

    @Test("a host that cannot be resolved is an error")
    func unresolvable() {
        // No name server is asked for this one: it is no name.
        #expect(throws: Errno.addressNotAvailable) { try SocketAddress.resolve(host: "256.256.256.256:x", port: 1) }
    }
}
