import Auth
import Framing
import Syscalls
import TestSupport
import Testing

/// Messages of more than 2 GiB, whose header is another one. One after the other: each takes 6 GiB of memory.
@Suite(
    "Interop: messages over 2 GiB", .serialized,
    .enabled(if: hugeMessagesAreTested, "they take 6 GiB and minutes: INTEROP_HUGE=1 has them tested"))
struct HugeMessageTests {
    private static let peers = Peer.installed.filter(\.knowsLongHeaders)

    @Test("Python sends back what Swift sends", arguments: peers)
    func fromSwift(peer: Peer) throws {
        let pair = try SocketPair()
        let source = "echo(connection.Connection(3))"
        let script = try Script(peer, source, descriptors: [3: pair.second.descriptor])
        try pair.second.close()
        let connection = Connection(pair.first)
        try expectEcho(connection, sizes: [hugeSize])
        connection.close()
        try script.finish()
    }

    @Test("forkbench peer sends back what Python sends", arguments: peers)
    func fromPython(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let forkbench = try ForkbenchPeer("listen", "--address", "unix:" + directory.file("socket"))
        let address = try forkbench.listeningAddress().description
        let source = """
            with connect(sys.argv[1]) as channel:
                expect_echo(channel, [int(sys.argv[2])])
            """
        let script = try Script(peer, source, [address, "\(hugeSize)"])
        try script.finish()
        #expect(try forkbench.endInput() == .success)
    }
}
