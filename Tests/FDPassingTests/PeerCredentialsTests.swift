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

    @Test("an accepted socket tells which process connected")
    func connected() throws {
        let directory = try TemporaryDirectory()
        let listener = try OwnedFileDescriptor.socket(family: AF_UNIX)
        try listener.descriptor.bind(to: SocketAddress(unixPath: directory.file("socket")))
        try listener.descriptor.listen(backlog: 1)
        var helper = try HelperProcess("FDPassingHelper", ["connect", directory.file("socket")])
        let accepted = try listener.descriptor.accept(until: .generous)
        let credentials = try PeerCredentials(of: accepted.socket.descriptor)
        #expect(credentials.process == helper.process)
        #expect(credentials.user == geteuid())
        #expect(credentials.group == getegid())
        try accepted.socket.descriptor.shutdown()
        #expect(try helper.waitForOutcome() == .success)
    }

    #if os(Linux)
        @Test("a message tells which process sent it, as which user and group")
        func message() throws {
            let pair = try SocketPair()
            let receiver = pair.first
            try receiver.descriptor.setPassesCredentials(true)
            var helper = try HelperProcess("FDPassingHelper", ["greet"], descriptors: [3: pair.second.descriptor])
            try pair.second.close()
            let (bytes, sender) = try receiver.descriptor.receiveWithCredentials(upTo: 100)
            #expect(bytes == Array("hello".utf8))
            #expect(sender?.process == helper.process)
            // The helper becomes somebody else where it may.
            #expect(sender?.user == (geteuid() == 0 ? 54_321 : geteuid()))
            #expect(sender?.group == (geteuid() == 0 ? 12_345 : getegid()))
            #expect(try helper.waitForOutcome() == .success)
            // Who has gone away sends nothing more.
            #expect(try receiver.descriptor.receiveWithCredentials(upTo: 100).bytes == [])
        }

        @Test("a message tells nothing of its sender where the socket was not asked to pass it")
        func notPassed() throws {
            let pair = try SocketPair()
            try pair.first.descriptor.writeAll("hello")
            let (bytes, sender) = try pair.second.descriptor.receiveWithCredentials(upTo: 3)
            #expect(bytes == Array("hel".utf8))
            #expect(sender == nil)
            try pair.second.descriptor.setPassesCredentials(true)
            try pair.second.descriptor.setPassesCredentials(false)
            #expect(try pair.second.descriptor.receiveWithCredentials(upTo: 100).sender == nil)
            #expect(throws: FDPassingError.system(.notSocket)) {
                let pipe = try Pipe()
                _ = try pipe.readEnd.descriptor.receiveWithCredentials(upTo: 1)
            }
            #expect(throws: Errno.notSocket) {
                let pipe = try Pipe()
                try pipe.readEnd.descriptor.setPassesCredentials(true)
            }
        }

        @Test("what two processes have sent is never given together")
        func twoSenders() throws {
            #expect(try runHelper("FDPassingHelper", ["credentials-of-two-senders"]) == .success)
        }

        @Test("descriptors beside such a message are an error, and are closed")
        func descriptors() throws {
            #expect(try runHelper("FDPassingHelper", ["credentials-with-descriptors"]) == .success)
        }
    #endif
}
