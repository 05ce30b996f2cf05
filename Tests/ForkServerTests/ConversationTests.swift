import FDPassing
import ForkServerTestPrograms
import Framing
import ProcessRoles
import ProcessTestSupport
import Synchronization
import Syscalls
import TestSupport
import Testing

@testable import ForkServer

private typealias ExitStatus = Syscalls.ExitStatus

@Suite("A child and its client", .timeLimit(.minutes(10)))
struct ConversationTests {
    @Test("messages go both ways over the child's own connection, which ends with either")
    func messages() throws {
        try withServer { server in
            let child = try server.spawn(EchoMessages())
            for count in [0, 1, 100_000, 3 << 20] {
                let message = [UInt8](repeating: 7, count: count)
                let sending = try Background { try child.connection.send(message, until: .generous) }
                #expect(try child.connection.receive(until: .generous) == message)
                try sending.get()
            }
            child.connection.close()
            #expect(try child.wait(until: .generous) == .exited(0))

            let killed = try server.spawn(EchoMessages())
            try killed.kill()
            // ECONNRESET when it was killed before it had read its request.
            let error = #expect(throws: FramingError.self) { try killed.connection.receive(until: .generous) }
            #expect(error?.isDisconnection == true)
        }
    }

    @Test("a program larger than a socket's buffer arrives whole")
    func largeProgram() throws {
        try withServer { server in
            let text = String(repeating: "x", count: 5 << 20)
            var options = ChildOptions()
            options.standardOutput = .pipe
            let child = try server.spawn(PrintAndLeave(text, code: 3), options: options, until: .generous)
            let output = try present(child.takeStandardOutput())
            #expect(try output.descriptor.readText() == text)
            #expect(try child.wait(until: .generous) == .exited(3))
        }
    }

    @Test("a child spawns a sibling through the server that forked it, and no second server is started")
    func sibling() throws {
        try withServer { server in
            for _ in 0..<3 {
                let child = try server.spawn(SpawnSibling())
                let text = String(decoding: try child.connection.receive(until: .generous), as: UTF8.self)
                #expect(text == "true exited with code 7")
                #expect(try child.wait(until: .generous) == .exited(0))
            }
        }
    }

    @Test("with a child go the siblings that it has asked for, and other children stay")
    func siblingsEnd() throws {
        try withServer(hosted { $0.gracePeriod = .milliseconds(100) }) { server in
            var held = try WaitingChild(of: server, code: 2)
            let child = try server.spawn(SpawnSpinningSibling())
            let number = String(decoding: try child.connection.receive(until: .generous), as: UTF8.self)
            let sibling = try WatchedProcess(ProcessID(rawValue: try #require(Int32(number))))
            try child.kill()
            #expect(try sibling.ends())
            held.letGo()
            #expect(try held.child.wait(until: .generous) == .exited(2))
        }
    }

    @Test("a reload hands over to a fresh server, and the children of the old one live on")
    func reload() throws {
        try withServer { server in
            var held = try WaitingChild(of: server, code: 5)
            let old = try WatchedProcess(try #require(server.processID))
            let oldNumber = server.processID
            try server.reload()
            #expect(server.processID != oldNumber)
            #expect(try server.spawn(Leave(code: 6)).wait(until: .generous) == .exited(6))
            #expect(held.child.isRunning)
            held.letGo()
            #expect(try held.child.wait(until: .generous) == .exited(5))
            // With its last child the old server ends too.
            #expect(try old.ends())
        }
    }

    @Test("spawns beside a reload are served by the old server or by the fresh one, and none is lost")
    func spawnsBesideReload() throws {
        try withServer { server in
            try server.start()
            let isOver = Atomic(false)
            func spawning(_ code: CInt) throws -> Background<Int> {
                try Background {
                    var count = 0
                    while !isOver.load(ordering: .relaxed) {
                        let child = try server.spawn(Leave(code: code), until: .generous)
                        #expect(try child.wait(until: .generous) == .exited(code))
                        count += 1
                    }
                    return count
                }
            }
            let first = try spawning(1)
            let second = try spawning(2)
            let asking = try Background { () throws in
                while !isOver.load(ordering: .relaxed) {
                    #expect(try server.statistics(until: .generous)?.threads == 1)
                }
            }
            for _ in 0..<30 { try server.reload() }
            isOver.store(true, ordering: .relaxed)
            try asking.get()
            #expect(try first.get() > 0)
            #expect(try second.get() > 0)
        }
    }

    @Test("a server that was retired gets no further request: it might have ended before it read it")
    func retired() throws {
        try withServer { server in
            let old = try server.runningServer(until: .generous)
            try server.reload()
            let name = try TypeName.name(of: Leave.self)
            let request = ServerRequest.spawn(typeName: name, isDetached: false, mayUseSpare: true)
            #expect(try !old.send(request, passing: [.standardError, .standardError], until: .generous))
        }
    }

    @Test("a reload with a preload that fails leaves the old server in place")
    func failedReload() throws {
        try withServer { server in
            try server.start()
            let process = server.processID
            var options = hosted()
            options.preloads = [SharedLibraryPreload("libthere-is-none.so")]
            #expect(throws: ForkServerError.self) { try server.reload(options) }
            #expect(server.processID == process)
            #expect(try server.spawn(Leave(code: 6)).wait(until: .generous) == .exited(6))
        }
    }

    @Test("terminate gives a child its time, and kills it when it has passed", arguments: [false, true])
    func terminate(ignoresTermination: Bool) throws {
        try withServer { server in
            let child = try spinningChild(of: server, ignoresTermination: ignoresTermination)
            let status = try child.terminate(gracePeriod: ignoresTermination ? .milliseconds(30) : .seconds(300))
            #expect(status == .signaled(ignoresTermination ? 9 : 15, coreDumped: false))
        }
    }

    @Test("terminate does the same without blocking")
    func terminateAsync() async throws {
        try await withServerInTask { server in
            let started = try Pipe()
            let spinning = Spin(PassedDescriptor(started.writeEnd), ignoresTermination: true)
            let said = Connection(started.readEnd, writable: false)
            let child = try await server.spawn(spinning)
            // One byte is no message, but something to read.
            _ = try await blocking { try said.poll(until: .generous) }
            #expect(try await child.terminate(gracePeriod: .milliseconds(30)) == .signaled(9, coreDumped: false))
        }
    }

    @Test("wait(for:) tells which children have ended")
    func waitForSeveral() throws {
        try withServer { server in
            var first = try WaitingChild(of: server)
            var second = try WaitingChild(of: server)
            let things: [any Waitable] = [first.child, second.child]
            #expect(try wait(for: things, until: .now) == [])
            second.letGo()
            #expect(try wait(for: things, until: .generous) == [1])
            first.letGo()
            #expect(try first.child.wait(until: .generous) == .exited(0))
            #expect(try wait(for: things, until: .generous) == [0, 1])
        }
    }
}
