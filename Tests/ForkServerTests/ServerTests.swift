import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("The fork server", .timeLimit(.minutes(10))) struct ServerTests {
    @Test("a preload runs once, in the server, before those behind it, and children see its memory", arguments: hosts)
    func preload(host: String) throws {
        try withServer(
            hosted {
                $0.executable = executableDirectory + "/" + host
                $0.preloads = [NoteLoad("first"), NoteLoad("second")]
            }
        ) { server in
            for _ in 0..<3 {
                let log = try describeChild(of: server)["preloads"]
                let process = try #require(server.processID)
                #expect(log == "first@\(process) second@\(process)")
            }
        }
    }

    @Test("a preload that fails, traps, starts a thread or is unknown is an error that names it", arguments: 0..<4)
    func badPreload(which: Int) throws {
        let bad: any Preload = [
            FailingPreload(), TrappingPreload(), ThreadStartingPreload(), OnlyHerePreload(),
        ][which]
        try withServer(hosted { $0.preloads = [NoteLoad("fine"), bad] }) { server in
            for _ in 0..<2 {
                #expect { try server.start() } throws: { error in
                    switch error {
                    case ForkServerError.preloadFailed(let name, let reason):
                        which == 0 && name == "FailingPreload" && reason == "the table is missing"
                    case ForkServerError.startFailed: which == 1
                    case ForkServerError.notSingleThreaded(let threads, let culprit):
                        which == 2 && culprit.contains("ThreadStartingPreload") && threads.contains("left behind")
                    case ForkServerError.typeUnknown(let name): which == 3 && name.contains("OnlyHerePreload")
                    default: false
                    }
                }
                #expect(server.processID == nil)
            }
        }
    }

    @Test("200 children at once: each status is its own")
    func manyChildren() throws {
        try withServer { server in
            var children: [ChildProcess] = []
            for index in 0..<200 { children.append(try server.spawn(Leave(code: CInt(index)))) }
            #expect(Set(children.map(\.processID)).count == 200)
            for (index, child) in children.enumerated() {
                #expect(try child.wait(until: .generous) == .exited(CInt(index)))
            }
        }
    }

    @Test("threads and tasks may spawn at once from a server that does not run yet")
    func concurrentStart() async throws {
        try await withServerInTask { server async throws in
            try await withThrowingTaskGroup(of: Syscalls.ExitStatus.self) { group in
                for index in 0..<10 {
                    group.addTask { try await server.spawn(Leave(code: CInt(index))).wait() }
                    group.addTask {
                        try await blocking { try server.spawn(Leave(code: CInt(index))).wait(until: .generous) }
                    }
                }
                var sum: CInt = 0
                for try await status in group { if case .exited(let code) = status { sum += code } }
                #expect(sum == 90)
            }
        }
    }

    @Test("a program that forgot bootstrap gets a clear error, and nothing is started")
    func forgottenBootstrap() throws {
        #expect(try runHelper("ForkServerHost", ["forgot"]) == .success)
    }

    @Test("a program with an async main uses server and pool, and the main actor lives in its workers")
    func asyncMain() throws {
        #expect(try runHelper("ForkServerAsyncHost", ["use"]) == .success)
    }

    @Test("an executable that never calls bootstrap and ends is a clear error")
    func notAHost() throws {
        try withServer(hosted { $0.executable = "/bin/true" }) { server in
            #expect { try server.start() } throws: { error in
                "\(error)".contains("it ended at once") && "\(error)".contains("ForkServer.bootstrap()")
            }
        }
    }

    @Test("an executable that never calls bootstrap and does not end is a clear error, and is killed")
    func hangingHost() throws {
        let directory = try TemporaryDirectory()
        let script = directory.file("host")
        try makeScript("echo $$ > \(directory.file("pid"))\nexec sleep 1000\n", at: script)
        try withServer(
            hosted {
                $0.executable = script
                $0.startTimeout = .seconds(2)
            }
        ) { server in
            #expect { try server.start() } throws: { error in
                "\(error)".contains("did not answer in time") && "\(error)".contains("ForkServer.bootstrap()")
            }
            let number = try text(ofFile: directory.file("pid")).dropLast()
            let process = ProcessID(rawValue: try #require(Int32(number)))
            #expect(!process.exists)
        }
    }

    @Test("an executable that is not there is an error")
    func missingExecutable() throws {
        try withServer(hosted { $0.executable = "/nonexistent/program" }) { server in
            #expect { try server.start() } throws: { error in
                if case ForkServerError.system(.noSuchFileOrDirectory) = error { true } else { false }
            }
        }
    }

    @Test("a program whose executable was replaced or deleted starts the build that it is", arguments: [true, false])
    func replacedExecutable(isReplaced: Bool) throws {
        let directory = try TemporaryDirectory()
        let copy = directory.file("program")
        try copyExecutable(hostPath, to: copy)
        var program = try RunningProgram(executable: copy, ["replaced"])
        #expect(try program.nextReport() == "ready")
        unlink(copy)
        if isReplaced { try copyExecutable("/bin/true", to: copy) }
        try program.openGate()
        #expect(try program.waitForOutcome() == .success)
    }

    @Test("children share the program's tracker: a segment that one leaks goes with it, while the program goes on")
    func sharedTracker() throws {
        let names = try ResourceNames()
        var program = try RunningProgram("ForkServerHost", ["leak", names.segment])
        let tracker = try #require(try program.nextProcesses().first)
        #expect(!names.hasSegment && tracker.isRunning)
        try program.openGate()
        #expect(try tracker.ends())
        #expect(try program.waitForOutcome().errors.contains(names.segment))
    }

    @Test("a tracker killed under a running server is replaced, and server and children go on with the next one")
    func killedTracker() throws {
        let names = try ResourceNames()
        var program = try RunningProgram("ForkServerHost", ["killed-tracker", names.segment, names.segment + "-2"])
        let tracker = try #require(try program.nextProcesses().first)
        try program.openGate()
        #expect(try tracker.ends())
        let outcome = try program.waitForOutcome()
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.split(separator: "\n").filter { $0.contains("killed by SIGKILL") }.count == 1)
    }
}
