import Framing
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Where listeners listen")
struct ListenerAddressTests {
    @Test("a fresh address is in a directory of its own, which only this user can enter, and both go with it")
    func fresh() throws {
        for isClosed in [true, false] {
            var listener: Listener? = try Listener.atFreshAddress()
            let other = try Listener.atFreshAddress()
            let address = try #require(listener?.address)
            #expect(other.address != address)
            guard case .unix(let path) = address else { throw FramingError.invalidAddress("\(address)") }
            let directory = String(path[..<path.lastIndex(of: "/")!])
            let status = try FileStatus(ofFileAt: directory, followLinks: false)
            #expect(status.kind == .directory)
            #expect(status.permissions == 0o700)
            #expect(status.owner == getuid())
            let client = try Connection.connect(to: address, until: .generous)
            try client.send([1])
            #expect(try listener?.accept(until: .generous).receive(until: .generous) == [1])
            if isClosed { listener?.close() } else { listener = nil }
            #expect(!exists(directory))
            listener?.close()
        }
    }

    @Test("a fresh address keeps what somebody else has put into its directory")
    func freshWithOthersFile() throws {
        let listener = try Listener.atFreshAddress()
        guard case .unix(let path) = listener.address else { return }
        let directory = String(path[..<path.lastIndex(of: "/")!])
        _ = try OwnedFileDescriptor.open(directory + "/other", [.readWrite, .create, .exclusive])
        listener.close()
        #expect(!exists(path))
        #expect(exists(directory + "/other"))
        unlink(directory + "/other")
        rmdir(directory)
    }

    @Test("a directory is not replaced, and a path in none is an error that leaves nothing behind")
    func directories() throws {
        let directory = try TemporaryDirectory()
        #expect(mkdir(directory.file("directory"), 0o700) == 0)
        #expect(throws: FramingError.system(.addressInUse)) {
            try Listener(at: .unix(path: directory.file("directory")))
        }
        #expect(try FileStatus(ofFileAt: directory.file("directory")).kind == .directory)
        #expect(throws: FramingError.system(.noSuchFileOrDirectory)) {
            try Listener(at: .unix(path: directory.file("none/socket")))
        }
    }

    @Test("a live listener is not replaced when its backlog is full either")
    func liveAndFull() throws {
        let directory = try TemporaryDirectory()
        let listener = try Listener(at: .unix(path: directory.file("socket")), backlog: 1)
        var clients: [Connection] = []
        #expect(throws: FramingError.timedOut) {
            while clients.count < 100 { clients.append(try Connection.connect(to: listener.address, until: .now)) }
        }
        #expect(throws: FramingError.system(.addressInUse)) { try Listener(at: listener.address) }
        for _ in clients { _ = try listener.accept(until: .generous) }
        clients.append(try Connection.connect(to: listener.address, until: .generous))
    }

    @Test("of many processes that replace a stale socket file at the same time one wins, and can be reached")
    func replacedByMany() throws {
        for _ in 0..<5 {
            let directory = try TemporaryDirectory()
            let path = directory.file("socket")
            #expect(try runHelper("FramingHelper", ["leave-socket-file", path]) == .success)
            #expect(exists(path))
            let gate = try Pipe()
            let results = try Pipe()
            let stop = try Pipe()
            let descriptors: [CInt: FileDescriptor] = [
                3: gate.readEnd.descriptor, 4: results.writeEnd.descriptor, 5: stop.readEnd.descriptor,
            ]
            try withHelpers(8, ["replace-socket-file", path], descriptors: descriptors) {
                // Each has said that it is ready, and they go on together.
                #expect(try results.readEnd.descriptor.readExactly(8) == Array(repeating: UInt8(ascii: "R"), count: 8))
                try gate.writeEnd.descriptor.writeAll([UInt8](repeating: 0, count: 8))
                let outcomes = try results.readEnd.descriptor.readExactly(8)
                #expect(outcomes.filter { $0 == UInt8(ascii: "W") }.count == 1)
                #expect(outcomes.filter { $0 == UInt8(ascii: "L") }.count == 7)
                let client = try Connection.connect(to: .unix(path: path), until: .generous)
                try client.send([1, 2, 3])
                #expect(try client.receive(until: .generous) == [3, 2, 1])
                try stop.writeEnd.descriptor.writeAll([UInt8](repeating: 0, count: 8))
            }
            #expect(!exists(path))
        }
    }

    /// Runs a helper many times at once; each has to succeed.
    private func withHelpers(
        _ count: Int, _ arguments: [String], descriptors: [CInt: FileDescriptor], _ body: () throws -> Void
    ) throws {
        guard count > 0 else { return try body() }
        var helper = try HelperProcess("FramingHelper", arguments, descriptors: descriptors)
        try withHelpers(count - 1, arguments, descriptors: descriptors, body)
        #expect(try helper.waitForOutcome() == .success)
    }

    @Test("a TCP port can be listened at again while the kernel remembers its last connections")
    func listenAgain() throws {
        let listener = try Listener(at: .tcp(host: "127.0.0.1", port: 0))
        let client = try Connection.connect(to: listener.address)
        let server = try listener.accept(until: .generous)
        // Whoever closes first has it in TIME_WAIT.
        server.close()
        #expect(throws: FramingError.endOfFile) { try client.receive(until: .generous) }
        client.close()
        listener.close()
        let again = try Listener(at: listener.address)
        #expect(again.address == listener.address)
        let next = try Connection.connect(to: again.address)
        try next.send([1])
        #expect(try again.accept(until: .generous).receive(until: .generous) == [1])
    }
}
