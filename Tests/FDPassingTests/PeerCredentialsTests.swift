import FDPassing
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Peer credentials")
struct PeerCredentialsTests {
    @Test("a connected socket tells its peer's process, user and group")
    func credentials() throws {
        let pair = try SocketPair()
        let credentials = try PeerCredentials(of: pair.first.descriptor)
        #expect(credentials.process == .current)
        #expect(credentials.user == geteuid())
        #expect(credentials.group == getegid())
    }

    @Test("what is not a socket has no peer")
    func noSocket() throws {
        let pipe = try Pipe()
        #expect(throws: Errno.notSocket) { try PeerCredentials(of: pipe.readEnd.descriptor) }
    }
}
