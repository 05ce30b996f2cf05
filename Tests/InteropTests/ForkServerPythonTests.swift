import FDPassing
import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// CPython's own client of a fork server, against `forkbench peer fork-server`.
@Suite("Interop: fork server", .enabled(if: !Peer.forkServerClients.isEmpty, "there is no Python to talk to"))
struct ForkServerPythonTests {
    @Test("numbers, exit codes and signals of hundreds of children are right", arguments: Peer.forkServerClients)
    func outcomes(python: Peer) throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        let source = """
            server = int(sys.argv[2])
            children = [Child(b"exit %d" % (number % 256)) for number in range(300)]
            assert len({child.pid for child in children}) == len(children)
            for number, child in enumerate(children):
                assert child.wait() == number % 256, number
            for number in [signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1]:
                assert Child(b"signal %d" % number).wait() == -number, number
            child = Child(b"wait")
            with open("/proc/%d/stat" % child.pid) as file:
                assert int(file.read().rsplit(")", 1)[1].split()[1]) == server
            child.close()
            assert child.wait() == 0
            """
        try runClient(python, source, of: peer)
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test("descriptors arrive by position, and a child has no others", arguments: Peer.forkServerClients)
    func descriptors(python: Peer) throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        let source = """
            # As many as one message carries beside the four.
            for count in [0, 1, 2, 249]:
                pipes = [os.pipe() for _ in range(count)]
                child = Child(b"descriptors", [write_end for _, write_end in pipes])
                for _, write_end in pipes:
                    os.close(write_end)
                assert child.wait() == 0, count
                for number, (read_end, _) in enumerate(pipes):
                    assert read_all(read_end) == b"%d\\n" % number, (count, number)
            read_end, write_end = os.pipe()
            child = Child(b"open", [write_end])
            os.close(write_end)
            tracker = resource_tracker.getfd()
            # The tracker's twice: ResourceTracker.shared has one of its own.
            expected = [child.data, client._forkserver_alive_fd, tracker, tracker, read_end]
            inodes = sorted(os.fstat(number).st_ino for number in expected)
            opened = sorted(map(int, read_all(read_end).split()))
            assert opened == inodes, (opened, inodes)
            assert child.wait() == 0
            """
        try runClient(python, source, of: peer)
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test("many ask at once, and each speaks with its own child", arguments: Peer.forkServerClients)
    func manyAtOnce(python: Peer) throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        let source = """
            failures = []
            def work(worker):
                try:
                    for number in range(20):
                        ours, theirs = socket.socketpair()
                        child = Child(b"echo", [theirs.fileno()])
                        theirs.close()
                        message = b"%d %d" % (worker, number)
                        ours.sendall(message)
                        ours.shutdown(socket.SHUT_WR)
                        assert read_all(ours.detach()) == message
                        assert child.wait() == 0
                except BaseException as error:
                    failures.append((worker, error))
            workers = [threading.Thread(target=work, args=[number]) for number in range(16)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            assert not failures, failures
            """
        try runClient(python, source, of: peer)
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test("a Process of Python's starts, is waited for, and is ended", arguments: Peer.forkServerClients)
    func processes(python: Peer) throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let base = try peer.descriptorCount()
        let source = """
            import multiprocessing
            context = multiprocessing.get_context("forkserver")

            def start(request):
                # The pickles that it sends hold its name, and so a line that our child understands.
                process = context.Process(target=print, name="\\n" + request + "\\n")
                process.start()
                return process

            for code in [0, 7, 255]:
                process = start("exit %d" % code)
                assert connection.wait([process.sentinel]) == [process.sentinel]
                process.join()
                assert process.exitcode == code
            process = start("wait")
            assert process.is_alive()
            process.terminate()
            process.join()
            assert process.exitcode == -signal.SIGTERM
            process = start("wait")
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
            many = [start("exit 3") for _ in range(50)]
            for process in many:
                process.join()
                assert process.exitcode == 3
            # They keep their ends of the children's pipes.
            del process, many
            """
        try runClient(python, source, of: peer)
        #expect(try peer.settles(to: base))
        #expect(try peer.endInput() == .success)
    }

    @Test("what a child registers, the client's tracker removes", arguments: Peer.forkServerClients)
    func tracker(python: Peer) throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let names = try ResourceNames()
        let segment = try SharedMemory(creating: names.segment, size: 1)
        let source = """
            child = Child(b"register " + sys.argv[3].encode())
            assert child.wait() == 0
            """
        let script = try client(python, source, of: peer, [names.segment])
        // Its tracker says that there was a leak, as it should.
        let outcome = try script.waitForOutcome()
        #expect(outcome.status == .exited(0), "\(outcome)")
        #expect(becomesTrue { !names.hasSegment })
        _ = segment
        #expect(try peer.endInput() == .success)
    }

    @Test("with a key, it is shown before the request, as CPython does from 3.14 on", arguments: Peer.forkServerClients)
    func key(python: Peer) throws {
        let directory = try TemporaryDirectory()
        let key = String(repeating: "k", count: 32)
        let peer = try ForkServerPeer(
            "--address", "unix:" + directory.file("socket"), "--key-file", try writeKey(key, in: directory),
            "--policy", python.isLegacy ? "compatible" : "modern")
        let base = try peer.descriptorCount()
        let source = """
            key = sys.argv[3].encode()
            sendfds = reduction.sendfds
            def sendfds_with_key(channel, descriptors):
                with connection.Connection(os.dup(channel.fileno())) as wrapped:
                    connection.answer_challenge(wrapped, key)
                    connection.deliver_challenge(wrapped, key)
                sendfds(channel, descriptors)
            reduction.sendfds = sendfds_with_key
            for number in range(20):
                assert Child(b"exit %d" % number).wait() == number
            key = b"another"
            try:
                Child(b"exit 0")
            except AuthenticationError:
                pass
            else:
                raise AssertionError("served with a wrong key")
            # Clients before 3.14 know nothing of keys.
            reduction.sendfds = sendfds
            try:
                Child(b"exit 0")
            except (EOFError, OSError):
                pass
            else:
                raise AssertionError("served without the key")
            """
        try runClient(python, source, of: peer, [key])
        #expect(try peer.settles(to: base))
        let outcome = try peer.endInput()
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.contains("is turned away"))
        #expect(!exists(directory.file("socket")))
    }

    @Test("the server's death is the end of file for the status", arguments: Peer.forkServerClients)
    func death(python: Peer) throws {
        let peer = try ForkServerPeer("--address", "fresh")
        let source = """
            child = Child(b"wait")
            report("started")
            try:
                child.wait()
            except EOFError:
                pass
            else:
                raise AssertionError("a status without a server")
            child.close()
            """
        let script = try client(python, source, of: peer)
        #expect(try script.nextReport() == "started")
        try peer.server.send(.kill)
        try script.finish()
        _ = try peer.endInput()
    }

    private func client(
        _ python: Peer, _ source: String, of peer: ForkServerPeer, _ arguments: [String] = []
    ) throws -> Script {
        try Script(python, clientPrelude + source, [peer.path, "\(peer.server.process)"] + arguments)
    }

    private func runClient(
        _ python: Peer, _ source: String, of peer: ForkServerPeer, _ arguments: [String] = []
    ) throws {
        try client(python, source, of: peer, arguments).finish()
    }
}

extension Peer {
    /// Those with a client for fork servers as it is from 3.7 on.
    fileprivate static let forkServerClients = installed.filter {
        $0.package == "multiprocessing" && $0.knowsLongHeaders
    }
}

/// Makes the script's `multiprocessing` a client of the server whose path is its first argument.
private let clientPrelude = """
    import signal
    from multiprocessing import forkserver, resource_tracker

    client = forkserver._forkserver
    client._forkserver_address = sys.argv[1]
    alive, client._forkserver_alive_fd = os.pipe()
    # It asks whether the server, which it takes for its own child, still runs. This one ends with the script.
    hold, held = os.pipe()
    client._forkserver_pid = os.fork()
    if not client._forkserver_pid:
        os.close(held)
        os.read(hold, 1)
        os._exit(0)

    def read_all(number):
        with open(number, "rb") as file:
            return file.read()

    class Child:
        def __init__(self, request, descriptors=()):
            self.status, self.data = client.connect_to_new_process(list(descriptors))
            try:
                os.write(self.data, request + b"\\n")
                self.pid = forkserver.read_signed(self.status)
            except BaseException:
                os.close(self.status)
                self.close()
                raise

        def close(self):
            if self.data is not None:
                os.close(self.data)
            self.data = None

        def wait(self):
            code = forkserver.read_signed(self.status)
            assert os.read(self.status, 1) == b""
            os.close(self.status)
            self.close()
            return code


    """
