import FDPassing
import ForkServer
import ForkServerTestPrograms
import Framing
import ProcessTestSupport
import Synchronization
import Syscalls
import TestSupport
import Testing

/// What the program sees of a server with an address; what clients see of it is in InteropTests.
@Suite("A fork server at an address", .timeLimit(.minutes(10))) struct AddressTests {
    @Test(
        "a child runs the program that the server was given, with what preloads have left",
        arguments: ["epoll", "poll"])
    func program(backend: String) throws {
        try withServer(
            hosted {
                $0.address = .init(Answer("hello"))
                $0.preloads = [NoteLoad("one")]
                $0.backend = backend
            }
        ) { server in
            #expect(server.address == nil)
            try server.start()
            let child = try Asked(at: try #require(server.address))
            #expect(try child.answer() == "hello 1 \(ProcessID.current)")
            #expect(try server.statistics()?.childrenRunning == 1)
            // The program's own children are what they always are.
            #expect(try server.spawn(Leave(code: 4)).wait(until: .generous) == .exited(4))
            try child.request.close()
            #expect(try child.status.descriptor.readNumber() == 0)
        }
    }

    @Test("without the option there is no address")
    func none() throws {
        try withServer { server in
            try server.start()
            #expect(server.address == nil)
        }
    }

    @Test("a fresh address goes with its server, and the one started after it has another")
    func freshAddresses() throws {
        try withServer(hosted { $0.address = .init(Answer("hello")) }) { server in
            try server.start()
            let first = try #require(server.address)
            let process = try WatchedProcess(try #require(server.processID))
            try process.send(.kill)
            #expect(try process.ends())
            // A spare that was just being forked may have the listener for a moment longer.
            #expect(becomesTrue { !isListening(at: first) })
            try server.start()
            let second = try #require(server.address)
            #expect(second != first)
            #expect(!exists(directory(of: first)))
            #expect(try Asked(at: second).answer() == "hello 0 \(ProcessID.current)")
            server.shutDown()
            #expect(!isListening(at: second))
            #expect(!exists(directory(of: second)))
        }
    }

    @Test("children of a server that another has taken over from go on, and it takes no more")
    func reload() throws {
        try withServer(hosted { $0.address = .init(Answer("old")) }) { server in
            try server.start()
            let first = try #require(server.address)
            let process = try WatchedProcess(try #require(server.processID))
            let child = try Asked(at: first)
            #expect(try child.answer() == "old 0 \(ProcessID.current)")
            try server.reload(hosted { $0.address = .init(Answer("new")) })
            #expect(try Asked(at: try #require(server.address)).answer() == "new 0 \(ProcessID.current)")
            #expect(becomesTrue { !isListening(at: first) })
            #expect(process.isRunning)
            try child.request.close()
            #expect(try child.status.descriptor.readNumber() == 0)
            #expect(try process.ends())
        }
    }

    @Test("a fresh server takes over the path of the old one, and no client finds nobody there")
    func reloadAtPath() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let address = Address.unix(path: path)
        try withServer(hosted { $0.address = .init(Answer("0"), path: path) }) { server in
            try server.start()
            let isOver = Atomic(false)
            let asking = try Background {
                var answers: [String] = []
                while !isOver.load(ordering: .relaxed) { answers.append(try Asked(at: address).answer()) }
                return answers
            }
            for round in 1...5 { try server.reload(hosted { $0.address = .init(Answer("\(round)"), path: path) }) }
            isOver.store(true, ordering: .relaxed)
            let rounds = try asking.get().map { $0.prefix { $0 != " " } }
            #expect(!rounds.isEmpty && rounds == rounds.sorted())
            #expect(try Asked(at: address).answer() == "5 0 \(ProcessID.current)")
            #expect(server.address == address)
            // Nor does the last of them leave anything.
            server.shutDown()
            #expect(!exists(path) && !exists(path + "~"))
        }
    }

    @Test("after a reload at a path, children of the old server go on until everything is shut down")
    func childrenOfReplaced() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let alive = try Pipe()
        let readEnd = PassedDescriptor(alive.readEnd)
        let writeEnd = alive.writeEnd
        let options = hosted {
            $0.address = .init(Answer("hello"), path: path)
            $0.address?.alive = readEnd
            $0.gracePeriod = .milliseconds(100)
        }
        try withServer(options) { server in
            try server.start()
            let old = try WatchedProcess(try #require(server.processID))
            let first = try Asked(at: .unix(path: path))
            _ = try first.answer()
            let second = try Asked(at: .unix(path: path))
            _ = try second.answer()
            try server.reload()
            try first.request.close()
            #expect(try first.status.descriptor.readNumber() == 0)
            #expect(old.isRunning)
            server.shutDown()
            #expect(try second.status.descriptor.readNumber() == -Int(Signal.terminate.rawValue))
            #expect(try old.ends())
        }
        writeEnd.discard()
    }

    @Test("shutting down ends a server that others keep alive, and its children")
    func shutDown() throws {
        let alive = try Pipe()
        let readEnd = PassedDescriptor(alive.readEnd)
        let writeEnd = alive.writeEnd
        try withServer(
            hosted {
                $0.address = .init(Answer("hello"))
                $0.address?.alive = readEnd
            }
        ) { server in
            try server.start()
            let child = try Asked(at: try #require(server.address))
            _ = try child.answer()
            server.shutDown()
            #expect(try child.status.descriptor.readNumber() == -Int(Signal.terminate.rawValue))
        }
        writeEnd.discard()
    }

    @Test("an alive pipe that was given away is an error, and so is a program that cannot be found by name")
    func errors() throws {
        let alive = try Pipe()
        let taken = PassedDescriptor(alive.readEnd)
        _ = taken.take()
        try withServer(
            hosted {
                $0.address = .init(Answer("hello"))
                $0.address?.alive = taken
            }
        ) { server in
            #expect(throws: ForkServerError.self) { try server.start() }
        }
        struct Local: ForeignChildProgram {
            func run(in child: consuming ForeignChildContext) {}
        }
        try withServer(hosted { $0.address = .init(Local()) }) { server in
            #expect {
                try server.start()
            } throws: { error in
                if case .typeNotNameable = error as? ForkServerError { true } else { false }
            }
        }
    }
}

private func isListening(at address: Address) -> Bool {
    (try? Connection.connect(to: address, until: .generous)) != nil
}

private func directory(of address: Address) -> String {
    guard case .unix(let path) = address else { return "" }
    return String(path[..<path.lastIndex(of: "/")!])
}

/// A child that was asked for at an address, in the way of CPython.
private struct Asked: ~Copyable {
    /// The other end of what it reads.
    let request: OwnedFileDescriptor
    let status: OwnedFileDescriptor
    private let output: OwnedFileDescriptor

    init(at address: Address) throws {
        let socket = try Connection.connect(to: address, until: .generous).takeDescriptor()
        let requests = try Pipe()
        let statuses = try Pipe()
        let outputs = try Pipe()
        try socket.descriptor.sendDescriptors([
            requests.readEnd.descriptor, statuses.writeEnd.descriptor, .standardError, .standardError,
            outputs.writeEnd.descriptor,
        ])
        try statuses.writeEnd.close()
        try outputs.writeEnd.close()
        _ = try statuses.readEnd.descriptor.readNumber()
        request = requests.writeEnd
        status = statuses.readEnd
        output = outputs.readEnd
    }

    func answer() throws -> String { String(decoding: try output.descriptor.readToEnd(), as: UTF8.self) }
}

extension FileDescriptor {
    fileprivate func readNumber() throws -> Int {
        try readExactly(8).withUnsafeBytes { Int($0.loadUnaligned(as: Int64.self)) }
    }
}

extension ForkServer.AddressOptions {
    fileprivate init(_ program: any ForeignChildProgram, path: String) {
        self.init(program)
        self.path = path
    }
}
