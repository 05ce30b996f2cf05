import FDPassing
import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("A child of the fork server", .timeLimit(.minutes(10))) struct ChildTests {
    @Test("exit codes arrive as they were given", arguments: hosts)
    func exitCodes(host: String) throws {
        try withServer(hosted { $0.executable = executableDirectory + "/" + host }) { server throws in
            #expect(try server.spawn(Leave()).wait(until: .generous) == .exited(0))
            for code in [0, 1, 3, 255] as [CInt] {
                #expect(try server.spawn(Leave(code: code)).wait(until: .generous) == .exited(code))
            }
        }
    }

    @Test("the signal that ended a child is its status")
    func signals() throws {
        try withServer { server in
            for signal in [Signal.kill, .terminate, .interrupt, .hangUp, .user1] {
                let status = try server.spawn(SignalItself(signal)).wait(until: .generous)
                #expect(status == .signaled(signal.rawValue, coreDumped: false))
            }
        }
    }

    @Test("that a core was dumped is told as it is of any process")
    func coreDump() throws {
        // Swift's runtime handles the usual ones.
        let dumping = Signal(rawValue: SIGXCPU)
        let directory = try TemporaryDirectory()
        // Whether there is one is this machine's matter: whoever starts a process by itself learns the same.
        let core = directory.file("core")
        var spawning = SpawnOptions(arguments: ["sh", "-c", "ulimit -c 1024; kill -XCPU $$"])
        spawning.workingDirectory = directory.path
        let expected = try ProcessID.spawn("/bin/sh", spawning).wait()
        let hasFile = unlink(core) == 0
        try withServer { server in
            var options = ChildOptions()
            options.workingDirectory = directory.path
            let limit = ResourceLimit(soft: 1 << 20, hard: 1 << 20)
            options.resourceLimits = [.coreSize: limit]
            let status = try server.spawn(SignalItself(dumping), options: options).wait(until: .generous)
            #expect(status == expected)
            #expect((unlink(core) == 0) == hasFile)
        }
    }

    @Test("a trap is the signal that it raises, and its message goes to standard error")
    func trap() throws {
        try withServer { server in
            let status = try server.spawn(Trap()).wait(until: .generous)
            guard case .signaled(let signal, _) = status else {
                Issue.record("\(status)")
                return
            }
            #expect([Signal.illegalInstruction, .trap, .abort].map(\.rawValue).contains(signal))
            #expect(try server.spawn(Leave(code: 4)).wait(until: .generous) == .exited(4))
        }
    }

    @Test("what children print reaches the program's standard output, a pipe, though they leave by exit")
    func output() throws {
        let pipe = try Pipe()
        let readEnd = pipe.readEnd
        let writeEnd = pipe.writeEnd
        #expect(try runHelper("ForkServerHost", ["print"], descriptors: [1: writeEnd.descriptor]) == .success)
        writeEnd.discard()
        // The end of the file: server and children are gone.
        #expect(try readEnd.descriptor.readText() == "from a child")
    }

    @Test("an uncaught error is a message on standard error and exit code 1, and a trap says what it is")
    func errors() throws {
        let outcome = try runHelper("ForkServerHost", ["fail"])
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.contains("ForkServerTestPrograms.ThrowError: no such table\n"))
        #expect(outcome.errors.contains("Fatal error: as the test wants it"))
    }

    @Test("a child has one thread, a clean signal mask and the default dispositions, and reads from /dev/null")
    func cleanState() throws {
        try withServer { server in
            let facts = try describeChild(of: server)
            #expect(facts["threads"] == "\(threadsOfLoneProcess)")
            #expect(facts["input is /dev/null"] == "true")
            #expect(facts["SigBlk"] == "0000000000000000")
            for signal in [Signal.interrupt, .brokenPipe, .terminate, .hangUp, .child] {
                #expect(try !ignored(signal, in: facts))
            }
            #expect(facts["client"] == "\(ProcessID.current)")
            #expect(facts["parent"] == server.processID.map { "\($0)" })
        }
    }

    @Test("the variables that make forking cheap are not seen by children", arguments: [true, false])
    func environment(isTuned: Bool) throws {
        try withServer(hosted { $0.isTunedForForking = isTuned }) { server throws in
            #expect(try describeChild(of: server)["tuned"] == "no no")
        }
    }

    @Test(
        "a child has the standard streams, tracker's door, sentinel, channel, the way to its server, and nothing else")
    func descriptors() throws {
        try withServer { server in
            // Others that the server has by then must not reach this one.
            let before = try WaitingChild(of: server)
            let facts = try describeChild(of: server)
            let kinds = facts["kinds"]?.split(separator: " ").map(String.init) ?? []
            #expect(kinds.dropFirst(3).sorted() == ["fifo", "socket", "socket", "socket"])
            #expect(facts["inheritable"] == "0 1 2")
            _ = consume before
        }
    }

    @Test("what preloads opened every child has too")
    func preloadedDescriptors() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.create("table")
        try withServer(hosted { $0.preloads = [OpenFile(directory.file("table"))] }) { server in
            for _ in 0..<2 {
                let kinds = try describeChild(of: server)["kinds"]?.split(separator: " ") ?? []
                #expect(kinds.dropFirst(3).filter { $0 == "regular" }.count == 1)
                #expect(kinds.count == 8)
            }
        }
    }

    @Test("passed descriptors are for the same files, in their order, and close-on-exec", arguments: [1, 300])
    func passedDescriptors(count: Int) throws {
        let directory = try TemporaryDirectory()
        try withServer { server in
            var files: [PassedDescriptor] = []
            for index in 0..<count { files.append(PassedDescriptor(try directory.create("\(index)"))) }
            #expect(try server.spawn(WritePlaces(files)).wait(until: .generous) == .exited(0))
            for (index, file) in files.enumerated() {
                // Written at the position that both share: the same open file.
                try file.descriptor!.seek(to: 0)
                #expect(try file.descriptor!.readText() == "\(index)")
            }
        }
    }

    @Test("descriptors that were passed by name are found by it")
    func namedDescriptors() throws {
        let directory = try TemporaryDirectory()
        try withServer { server in
            let names = ["input", "log", "a name: with \n anything in it"]
            var files = PassedDescriptors()
            for (index, name) in names.enumerated() {
                files.append(PassedDescriptor(try directory.create("\(index)")), name: name)
            }
            #expect(try server.spawn(WriteNames(files, names: names)).wait(until: .generous) == .exited(0))
            for (index, name) in names.enumerated() { #expect(try text(ofFile: directory.file("\(index)")) == name) }
        }
    }

    @Test("a child that has closed its standard streams ends as any other")
    func closedStreams() throws {
        try withServer { server throws in
            #expect(try server.spawn(CloseStreams()).wait(until: .generous) == .exited(0))
        }
    }

    @Test("a descriptor that was given away cannot be passed")
    func takenDescriptor() throws {
        try withServer { server in
            let file = PassedDescriptor(try OwnedFileDescriptor.open("/dev/null", .readOnly))
            _ = file.take()
            #expect { try server.spawn(WritePlaces([file])) } throws: { error in
                if case ForkServerError.notEncodable(let reason) = error { reason.contains("taken out") } else { false }
            }
        }
    }

    @Test("a type that no other process can find is refused with a message that says what to do")
    func privateType() throws {
        try withServer { server in
            struct Local: ChildProgram {
                func run(in child: ChildContext) {}
            }
            for program in [Local(), PrivateProgram()] as [any ChildProgram] {
                #expect { try server.spawn(program) } throws: { error in
                    if case ForkServerError.typeNotNameable(let type) = error {
                        type.contains("Local")
                            || type.contains("PrivateProgram")
                                && "\(error)".contains("make it internal or public")
                    } else {
                        false
                    }
                }
            }
        }
    }

    @Test("a type that only the client has is refused with a message that says what to do")
    func unknownType() throws {
        try withServer { server throws in
            #expect { try server.spawn(OnlyHere()) } throws: { error in
                if case ForkServerError.typeUnknown("ForkServerTests.OnlyHere") = error {
                    "\(error)".contains("put it into a library target")
                } else {
                    false
                }
            }
            #expect(try server.spawn(Leave(code: 2)).wait(until: .generous) == .exited(2))
        }
    }
}

private func ignored(_ signal: Signal, in facts: [String: String]) throws -> Bool {
    let set = try #require(UInt64(facts["SigIgn"] ?? "", radix: 16))
    return set & (1 << UInt64(signal.rawValue - 1)) != 0
}

private struct PrivateProgram: ChildProgram {
    func run(in child: ChildContext) {}
}

/// In the test runner, and not in the host.
struct OnlyHere: ChildProgram {
    func run(in child: ChildContext) {}
}

struct OnlyHerePreload: Preload {
    func load() {}
}
