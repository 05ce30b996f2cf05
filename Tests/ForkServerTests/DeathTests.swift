import FDPassing
import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("The program dies", .timeLimit(.minutes(10))) struct ProgramDeathTests {
    @Test("with a program that is killed go server, tracker and children: waiting, busy, and deaf to SIGTERM")
    func killedProgram() throws {
        var program = try RunningProgram("ForkServerHost", ["children"])
        let processes = try program.nextProcesses()
        #expect(processes.count == 5)
        #expect(processes.allSatisfy { $0.isRunning })
        _ = try program.kill()
        for process in processes { #expect(try process.ends()) }
    }

    @Test("with program and server killed at once go busy children too")
    func killedProgramAndServer() throws {
        var program = try RunningProgram("ForkServerHost", ["children"])
        let processes = try program.nextProcesses()
        // Stopped first, so that neither has a moment to act on the other's death.
        try processes[0].send(.stop)
        try program.process.send(.kill)
        try processes[0].send(.kill)
        _ = try program.waitForOutcome()
        for process in processes { #expect(try process.ends()) }
    }

    @Test(
        "a detached child goes on when its program was killed, and the server ends without it",
        arguments: ["fork", "spare"])
    func killedProgramOfDetached(way: String) throws {
        var program = try RunningProgram("ForkServerHost", ["detached", way])
        let processes = try program.nextProcesses()
        #expect(processes.count == 2)
        defer { try? processes[1].send(.kill) }
        _ = try program.kill()
        #expect(try processes[0].ends())
        #expect(processes[1].isRunning)
        try processes[1].send(.kill)
        #expect(try processes[1].ends())
    }

    @Test("a program that just ends takes its children along")
    func endedProgram() throws {
        var program = try RunningProgram("ForkServerHost", ["leave-running"])
        // They may be gone before anybody could watch them.
        let numbers = try program.nextReport().split(separator: " ").compactMap { Int32($0) }
        #expect(numbers.count == 2)
        #expect(try program.waitForOutcome() == .success)
        for number in numbers { #expect(becomesTrue { !ProcessID(rawValue: number).exists }) }
    }
}

@Suite("The fork server dies", .timeLimit(.minutes(10))) struct ServerDeathTests {
    @Test("a running child goes on and its end is still learnt, and the next spawn starts another server")
    func killedServer() throws {
        try withServer { server in
            var waiting = try WaitingChild(of: server, code: 12)
            let first = try #require(server.processID)
            let watched = try WatchedProcess(first)
            try watched.send(.kill)
            #expect(try watched.ends())
            #expect(waiting.child.isRunning)

            #expect(try server.spawn(Leave(code: 5)).wait(until: .generous) == .exited(5))
            #expect(server.processID != first)
            #expect(!first.exists)
            // The new server changes nothing for the old one's child.
            #expect(waiting.child.isRunning)
            waiting.letGo()
            let status = try waiting.child.wait(until: .generous)
            #expect(status == (kernelTellsOfOthersChildren ? .exited(12) : .unknown))
            #expect(try !waiting.child.kill())
        }
    }

    @Test("async waits that are under way when the server dies learn of the child's end too")
    func asyncWait() async throws {
        try await withServerInTask { server async throws in
            var waiting = try WaitingChild(startedBy: server, code: 13)
            let child = waiting.child
            let wait = Task { try await child.wait() }
            let watched = try WatchedProcess(try #require(server.processID))
            try watched.send(.kill)
            #expect(try await blocking { try watched.ends() })
            #expect(child.isRunning)
            waiting.letGo()
            #expect(try await wait.value == (kernelTellsOfOthersChildren ? .exited(13) : .unknown))
        }
    }

    @Test("children of a server that was killed end with their ForkServer")
    func orphans() throws {
        var orphan: ChildProcess?
        try withServer { server in
            orphan = try spinningChild(of: server)
            let watched = try WatchedProcess(try #require(server.processID))
            try watched.send(.kill)
            #expect(try watched.ends())
            #expect(try server.spawn(Leave()).wait(until: .generous) == .exited(0))
            #expect(orphan!.isRunning)
        }
        #expect(try orphan!.wait(until: .generous) != .exited(0))
    }

    @Test("a server that is killed again and again is started each time")
    func killedOften() throws {
        try withServer { server in
            for round in 0..<10 {
                #expect(try server.spawn(Leave(code: CInt(round))).wait(until: .generous) == .exited(CInt(round)))
                let watched = try WatchedProcess(try #require(server.processID))
                try watched.send(.kill)
                #expect(try watched.ends())
            }
        }
    }

    @Test("signals that a terminal sends do not end a server")
    func terminalSignals() throws {
        try withServer { server in
            try server.start()
            let process = try #require(server.processID)
            try process.send(.interrupt)
            try process.send(.brokenPipe)
            #expect(try server.spawn(Leave(code: 2)).wait(until: .generous) == .exited(2))
            #expect(server.processID == process)
        }
    }

    @Test("shutDown ends the children, waits for the server, and may be called again; later uses are .shutDown")
    func shutDown() throws {
        try withServer(hosted { $0.gracePeriod = .milliseconds(50) }) { server in
            let children = [
                try spinningChild(of: server), try spinningChild(of: server, ignoresTermination: true),
            ]
            let process = try #require(server.processID)
            server.shutDown()
            #expect(!process.exists)
            #expect(server.processID == nil)
            #expect(try children[0].wait(until: .generous) == .signaled(15, coreDumped: false))
            #expect(try children[1].wait(until: .generous) == .signaled(9, coreDumped: false))
            server.shutDown()
            for use in [{ try server.start() }, { _ = try server.spawn(Leave()) }] as [() throws -> Void] {
                #expect { try use() } throws: { error in
                    if case ForkServerError.shutDown = error { true } else { false }
                }
            }
        }
    }

    @Test("a ForkServer that goes takes its server, its children and its own tracker along, and leaves no zombie")
    func deinitialized() throws {
        // In a process of its own, whose children are known.
        #expect(try runHelper("ForkServerHost", ["let-go"]) == .success)
    }
}
