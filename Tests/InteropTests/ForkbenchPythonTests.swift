import Framing
import Syscalls
import TestSupport
import Testing

/// `forkbench peer` on one side, Python on the other.
@Suite("Interop: forkbench peer with Python", .enabled(if: !Peer.installed.isEmpty, "there is no Python to talk to"))
struct ForkbenchPythonTests {
    @Test("Python's Client gets messages and descriptors back from one that listens", arguments: Peer.installed)
    func listens(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let key = try writeKey("secret", in: directory)
        let unix = try ForkbenchPeer(
            "listen", "--address", "unix:" + directory.file("echo"), "--key-file", key, "--policy", "compatible")
        let tcp = try ForkbenchPeer("listen", "--address=tcp:127.0.0.1:0")
        let descriptors = try ForkbenchPeer(
            "listen", "--address", "unix:" + directory.file("descriptors"), "--mode", "descriptors", "--key-file", key,
            "--policy", "compatible")
        let source = """
            unix, tcp, descriptors, *sizes = sys.argv[1:]
            sizes = [int(size) for size in sizes]
            with connect(unix, authkey=b"secret") as first, connect(unix, authkey=b"secret") as second:
                expect_echo(second, sizes)
                expect_echo(first, sizes)
            try:
                connect(unix, authkey=b"another")
            except AuthenticationError as error:
                report(str(error))
            with connect(tcp) as channel:
                expect_echo(channel, sizes)
            with connect(descriptors, authkey=b"secret") as channel:
                with socket.fromfd(channel.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as whole:
                    for count in [1, 3, 253]:
                        reading, writing = os.pipe()
                        if count == 1:
                            reduction.send_handle(channel, writing, os.getpid())
                            returned = [reduction.recv_handle(channel)]
                        else:
                            reduction.sendfds(whole, [writing] * count)
                            returned = reduction.recvfds(whole, count)
                        assert len(returned) == count
                        for number in returned + [writing]:
                            os.write(number, b"!")
                            os.close(number)
                        assert os.read(reading, 1000) == b"!" * (count + 1)
                        os.close(reading)
            """
        let addresses = [
            try unix.listeningAddress(), try tcp.listeningAddress(), try descriptors.listeningAddress(),
        ].map(\.description)
        let script = try Script(peer, source, addresses + messageSizes.map(String.init))
        #expect(try script.nextReport() == "digest sent was rejected")
        try script.finish()
        #expect(
            try unix.endInput()
                == HelperOutcome(
                    status: .exited(0),
                    errors: "forkbench: peer: a client was not accepted: the peer has another key than this side\n"))
        #expect(try tcp.endInput() == .success)
        #expect(try descriptors.endInput() == .success)
    }

    @Test("Python's Listener gets messages and descriptors back from one that connects", arguments: Peer.installed)
    func connects(peer: Peer) throws {
        let directory = try TemporaryDirectory()
        let key = try writeKey("secret", in: directory)
        let otherKey = try writeKey("another", in: directory)
        let source = """
            path, *sizes = sys.argv[1:]
            sizes = [int(size) for size in sizes]
            with listen("AF_UNIX", path + "/1", authkey=b"secret") as listener:
                with listener.accept() as channel:
                    expect_echo(channel, sizes)
                try:
                    listener.accept()
                except AuthenticationError as error:
                    report(str(error))
            with listen("AF_UNIX", path + "/2") as listener, listener.accept() as channel:
                reading, writing = os.pipe()
                reduction.send_handle(channel, writing, os.getpid())
                returned = reduction.recv_handle(channel)
                os.write(returned, b"!")
                assert os.read(reading, 10) == b"!"
            with listen("AF_INET", None) as listener, listener.accept() as channel:
                expect_echo(channel, sizes)
                report("done")
                try:
                    channel.recv_bytes()
                except EOFError:
                    report("end")
            """
        let script = try Script(peer, source, [directory.path] + messageSizes.map(String.init))
        let address = try script.nextReport()
        let first = try ForkbenchPeer(
            "connect", "--address", address, "--key-file", key, "--policy", "compatible")
        #expect(try first.waitForOutcome() == .success)
        let stranger = try ForkbenchPeer(
            "connect", "--address", address, "--key-file", otherKey, "--policy", "compatible")
        let outcome = try stranger.waitForOutcome()
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("the peer rejected the response of this side"))
        #expect(try script.nextReport() == "digest received was wrong")

        let second = try ForkbenchPeer(
            "connect", "--address", try script.nextReport(), "--mode", "descriptors")
        #expect(try second.waitForOutcome() == .success)

        let third = try ForkbenchPeer("connect", "--address", try script.nextReport())
        #expect(try script.nextReport() == "done")
        #expect(try third.endInput() == .success)
        #expect(try script.nextReport() == "end")
        try script.finish()
    }
}
