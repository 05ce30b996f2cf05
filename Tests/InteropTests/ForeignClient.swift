import Auth
import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// A `forkbench peer fork-server` that runs beside a test.
final class ForkServerPeer {
    private var peer: ForkbenchPeer?
    let process: ProcessID
    let address: Address
    let server: WatchedProcess

    init(_ arguments: String..., alive: FileDescriptor? = nil, openFiles: Int? = nil) throws {
        let arguments = ["fork-server"] + arguments + (alive == nil ? [] : ["--alive", "5"])
        let peer = try ForkbenchPeer(arguments, descriptors: alive.map { [5: $0] } ?? [:], openFiles: openFiles)
        process = peer.process
        address = try peer.listeningAddress()
        let line = try peer.nextLine()
        let number = try #require(Int32(line.dropFirst("fork server ".count)))
        server = try WatchedProcess(ProcessID(rawValue: number))
        self.peer = consume peer
    }

    var path: String {
        guard case .unix(let path) = address else { return "" }
        return path
    }

    /// Ends its standard input, and waits for its end. To be called once.
    func endInput() throws -> HelperOutcome { try peer.take()!.endInput() }

    /// Waits for its end, which something else brings about. To be called instead.
    func waitForOutcome() throws -> HelperOutcome { try peer.take()!.waitForOutcome() }

    /// Asks for a child over a connection of its own.
    func spawn(_ request: String, _ descriptors: [FileDescriptor] = [], key: String? = nil) throws -> ForeignClient {
        try ForeignClient(try connect(key: key), request, descriptors)
    }

    func connect(key: String? = nil) throws -> OwnedFileDescriptor {
        guard let key else { return try connectWithoutKey() }
        return try Connection.connect(to: address, key: AuthenticationKey(Array(key.utf8)), until: .generous)
            .takeDescriptor()
    }

    func connectWithoutKey() throws -> OwnedFileDescriptor {
        try Connection.connect(to: address, until: .generous).takeDescriptor()
    }

    /// How many descriptors the server has open.
    func descriptorCount() throws -> Int { try FileDescriptor.allOpen(in: server.process).count }

    /// Waits until the server has neither children, zombies included, nor more descriptors than before.
    func settles(to count: Int) throws -> Bool {
        try becomesTrue { try server.process.children().isEmpty && descriptorCount() == count }
    }
}

/// A client of the fork server's protocol, with a child of its own.
struct ForeignClient: ~Copyable {
    /// The other end of the child's `child_r`.
    let request: OwnedFileDescriptor
    let status: OwnedFileDescriptor

    /// Asks for a child; `processID()` tells whether there is one.
    init(
        _ socket: consuming OwnedFileDescriptor, _ request: String, _ descriptors: [FileDescriptor] = [],
        alive: FileDescriptor = .standardError
    ) throws {
        let requests = try Pipe()
        let statuses = try Pipe()
        let own = [requests.readEnd.descriptor, statuses.writeEnd.descriptor, alive, .standardError]
        try socket.descriptor.sendDescriptors(own + descriptors)
        try requests.writeEnd.descriptor.writeAll(request + "\n")
        self.request = requests.writeEnd
        status = statuses.readEnd
    }

    /// The child's number. To be called once, first.
    func processID() throws -> ProcessID {
        ProcessID(rawValue: Int32(try status.descriptor.readNumber()))
    }

    /// How the child ended, as CPython has it. To be called once, after `processID`.
    func exitCode() throws -> Int {
        let code = try status.descriptor.readNumber()
        #expect(try status.descriptor.read(upTo: 1).isEmpty)
        return code
    }
}

extension FileDescriptor {
    /// Reads a native 64-bit number; `Errno.noData` at the end of the file.
    func readNumber() throws -> Int {
        if try wait(for: .readable, until: .generous).isEmpty { throw Errno.timedOut }
        return try readExactly(8).withUnsafeBytes { Int($0.loadUnaligned(as: Int64.self)) }
    }

    /// Reads what comes next, and tells whether it was the end of the stream.
    func isAtEnd() throws -> Bool {
        if try wait(for: .readable, until: .generous).isEmpty { throw Errno.timedOut }
        do throws(Errno) {
            return try read(upTo: 4096).isEmpty
        } catch {
            // There was something that the peer had not read: it has closed all the same.
            if error == .connectionReset { return true }
            throw error
        }
    }

    /// Waits for the end of the stream, before which nothing comes.
    func expectEnd() throws {
        #expect(try isAtEnd())
    }
}
