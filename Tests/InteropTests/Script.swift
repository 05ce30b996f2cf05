import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// A peer's script that runs beside a test; killed and reaped when this goes. What it printed is shown when it fails, or
/// the test does before it has seen the script's end.
final class Script {
    private let peer: Peer
    private var process: HelperProcess
    private let reports: OwnedFileDescriptor
    private let gate: OwnedFileDescriptor
    private var isFinished = false

    /// Starts a script, with `scriptPrelude` before it.
    ///
    /// - Parameter descriptors: What the script gets, by numbers from 3 to 9.
    init(
        _ peer: Peer, _ script: String, _ arguments: [String] = [], descriptors: [CInt: FileDescriptor] = [:]
    ) throws {
        let reports = try Pipe()
        let gate = try Pipe()
        let own = [10: reports.writeEnd.descriptor, 11: gate.readEnd.descriptor] as [CInt: FileDescriptor]
        process = try peer.start(scriptPrelude + script, arguments, descriptors: descriptors.merging(own) { $1 })
        self.peer = peer
        self.reports = reports.readEnd
        self.gate = gate.writeEnd
    }

    /// The next line that the script reports.
    func nextReport() throws -> String {
        try reports.descriptor.readLine()
    }

    /// Lets the script pass one `wait_for_gate`.
    func openGate() throws {
        try gate.descriptor.writeAll([1])
    }

    /// Waits until it has ended, as it should.
    func finish() throws {
        let outcome = try waitForOutcome()
        #expect(outcome == .success, "\(peer)")
    }

    /// Waits until it has ended, in whatever way.
    func waitForOutcome() throws -> HelperOutcome {
        let outcome = try process.waitForOutcome()
        isFinished = true
        return outcome
    }

    deinit {
        if isFinished { return }
        _ = try? process.process.send(.kill)
        let outcome = try? process.waitForOutcome()
        Issue.record("\(peer) had printed: \(outcome?.output ?? "")\(outcome?.errors ?? "")")
    }
}

/// What scripts have in common. Numbers up to 9 are left to the test's own descriptors.
let scriptPrelude = """
    import os, socket, sys, threading
    package, directory = sys.argv[1:3]
    del sys.argv[1:3]
    if directory:
        sys.path.insert(0, directory)
    if package == "billiard":
        from billiard import AuthenticationError, BufferTooShort, connection, reduction
    else:
        from multiprocessing import AuthenticationError, BufferTooShort, connection, reduction

    def report(line):
        os.write(10, (line + "\\n").encode())

    def wait_for_gate():
        assert os.read(11, 1), "the test is gone"

    def listen(family, path, **options):
        listener = connection.Listener(path if family == "AF_UNIX" else ("127.0.0.1", 0), family, **options)
        if family == "AF_UNIX":
            report("unix:" + listener.address)
        else:
            report("tcp:%s:%d" % listener.address)
        return listener

    def connect(address, **options):
        kind, rest = address.split(":", 1)
        if kind == "unix":
            return connection.Client(rest, "AF_UNIX", **options)
        host, port = rest.split(":")
        return connection.Client((host, int(port)), "AF_INET", **options)

    def echo(channel):
        try:
            while True:
                channel.send_bytes(channel.recv_bytes())
        except EOFError:
            pass

    def expect_echo(channel, sizes):
        for size in sizes:
            block = os.urandom(min(size, 1000003))
            message = (block * (size // len(block) + 1))[:size] if size else b""
            sending = threading.Thread(target=channel.send_bytes, args=[message])
            sending.start()
            assert channel.recv_bytes() == message, size
            sending.join()


    """
