import ForkServer
import ForkServerTestPrograms
import Reactor
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

// Testing and Glibc have their own.
private typealias ExitStatus = Syscalls.ExitStatus

/// What the server's loop does, on each backend, and on those that the host adds: a toy one and, on Linux, the emulated kqueue.
@Suite("The fork server on each backend", .timeLimit(.minutes(10)))
struct BackendTests {
    static let names = ReactorBackends.all.map { $0.name }.filter { $0 != "unavailable" } + added
    #if os(Linux)
        private static let added = ["select", "kqueue"]
    #else
        private static let added = ["select"]
    #endif

    @Test("the server waits with the backend that was chosen", arguments: names)
    func chosen(name: String) throws {
        try withServer(hosted { $0.backend = name }) { server in
            try server.start()
            #if os(Linux)
                let process = try #require(server.processID)
                let files = try openFiles(of: process)
                // The emulation waits with epoll(7).
                #expect(files.contains { $0.contains("eventpoll") } == ["epoll", "kqueue"].contains(name))
                #expect(files.contains { $0.contains("io_uring") } == (name == "io_uring"))
            #endif
        }
    }

    @Test("exit codes and signals arrive, of children that end in another order than they began", arguments: names)
    func statuses(name: String) throws {
        try withServer(hosted { $0.backend = name }) { server in
            var held = try WaitingChild(of: server, code: 6)
            #expect(try server.spawn(Leave(code: 5)).wait(until: .generous) == .exited(5))
            let killed = try server.spawn(SignalItself(.kill))
            #expect(try killed.wait(until: .generous) == .signaled(9, coreDumped: false))
            held.letGo()
            #expect(try held.child.wait(until: .generous) == .exited(6))
        }
    }

    @Test("50 children at once: each status is its own", arguments: names)
    func manyChildren(name: String) throws {
        try withServer(hosted { $0.backend = name }) { server in
            let children = try (0..<50).map { try server.spawn(Leave(code: CInt($0))) }
            for (code, child) in children.enumerated() {
                #expect(try child.wait(until: .generous) == .exited(CInt(code)))
            }
        }
    }

    @Test("a child gets its descriptors, and none of the server's", arguments: names)
    func descriptors(name: String) throws {
        try withServer(hosted { $0.backend = name }) { server in
            let facts = try describeChild(of: server)
            let asUsual = try withUsualServer { try describeChild(of: $0) }
            #expect(kinds(in: facts) == kinds(in: asUsual))
            #expect(facts["threads"] == asUsual["threads"])
        }
    }

    @Test("children that are deaf to SIGTERM are killed after the grace period, at the client's end", arguments: names)
    func end(name: String) throws {
        let options = hosted {
            $0.backend = name
            $0.gracePeriod = .milliseconds(50)
        }
        try withServer(options) { server in
            let child = try spinningChild(of: server, ignoresTermination: true)
            server.shutDown()
            #expect(try child.wait(until: .generous) == .signaled(9, coreDumped: false))
        }
    }

    @Test("a server that was killed is started again on the same backend", arguments: names)
    func startedAgain(name: String) throws {
        try withServer(hosted { $0.backend = name }) { server in
            #expect(try server.spawn(Leave(code: 1)).wait(until: .generous) == .exited(1))
            let first = try #require(server.processID)
            try first.send(.kill)
            #if os(Linux)
                _ = try? ProcessDescriptor(of: first).waitForEnd(until: .generous)
            #endif
            #expect(try spawnAfterDeath(server, Leave(code: 2), name).wait(until: .generous) == .exited(2))
        }
    }

    @Test("an unknown backend is an error that names those that there are")
    func unknown() throws {
        try withServer(hosted { $0.backend = "quantum" }) { server in
            #expect { try server.start() } throws: { error in
                let text = "\(error)"
                return text.contains("quantum") && Self.names.allSatisfy { text.contains($0) }
            }
        }
    }

    /// The kernel takes an io_uring apart some time after its process has ended. Until then the files that it watched are
    /// open, and a request reaches a server that is not there: it is not tried twice.
    private func spawnAfterDeath(_ server: ForkServer, _ program: Leave, _ backend: String) throws -> ChildProcess {
        while true {
            do throws(ForkServerError) {
                return try server.spawn(program)
            } catch {
                guard backend == "io_uring", case .serverDied = error else { throw error }
            }
        }
    }

    private func kinds(in facts: [String: String]) -> [Substring] {
        facts["kinds"]?.split(separator: " ").sorted() ?? []
    }

    private func withUsualServer<Result>(_ body: (ForkServer) throws -> Result) throws -> Result {
        var result: Result?
        try withServer { result = try body($0) }
        return try #require(result)
    }

    #if os(Linux)
        private func target(ofLink path: String) -> String? {
            var buffer = [CChar](repeating: 0, count: 256)
            let count = readlink(path, &buffer, buffer.count)
            return count < 0 ? nil : String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        }

        /// What the kernel calls the files that a process has open.
        private func openFiles(of process: ProcessID) throws -> [String] {
            let path = "/proc/\(process)/fd"
            let directory = try OwnedFileDescriptor.open(path, [.readOnly, .directory])
            return try directory.descriptor.entriesOfDirectory().compactMap {
                target(ofLink: path + "/" + String(decoding: $0.name, as: UTF8.self))
            }
        }
    #endif
}
