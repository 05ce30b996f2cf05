import FDPassing
import ForkServer
import ForkServerTestPrograms
import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

private typealias ExitStatus = Syscalls.ExitStatus

@Suite("How a child differs from its server", .timeLimit(.minutes(10)))
struct ChildOptionTests {
    @Test(
        "environment, directory, group, niceness, processors and limits are as asked for, and others' are not touched")
    func setup() throws {
        let directory = try TemporaryDirectory()
        try withServer { server in
            let usual = try describe(server, ChildOptions())
            var options = ChildOptions()
            options.environment = ["FORKSERVER_TEST": "set", "HOME": nil]
            options.workingDirectory = directory.path
            options.group = .own
            options.niceness = 5
            options.resourceLimits = [.openFiles: ResourceLimit(soft: 99, hard: 100)]
            let facts = try describe(server, options)
            #expect(facts["FORKSERVER_TEST"] == "set")
            #expect(facts["HOME"] == "(none)")
            #expect(facts["directory"]?.hasSuffix(directory.path) == true)
            #expect(facts["group is own"] == "true" && facts["session is own"] == "false")
            #expect(facts["niceness"] == "5")
            #expect(facts["open files"] == "99")
            #expect(try describe(server, ChildOptions()) == usual)

            options = ChildOptions()
            options.group = .ownSession
            options.affinity = [try #require(try ProcessID.current.affinity().last)]
            let second = try describe(server, options)
            #expect(second["session is own"] == "true")
            #expect(second["processors"] == "\(options.affinity!)")
        }
    }

    @Test("an option that cannot be had ends the child with a line that says which")
    func impossible() throws {
        try withServer { server in
            var options = ChildOptions()
            options.workingDirectory = "/nonexistent"
            options.standardError = .captured()
            let child = try server.spawn(Leave(), options: options)
            #expect(try child.wait(until: .generous) == .exited(1))
            #expect(child.capturedStandardError?.text.contains("/nonexistent") == true)
        }
    }

    @Test("standard streams are pipes, descriptors or /dev/null")
    func streams() throws {
        try withServer { server in
            var options = ChildOptions()
            options.standardInput = .pipe
            options.standardOutput = .pipe
            options.standardError = .pipe
            let child = try server.spawn(CopyInput(), options: options)
            let input = try present(child.takeStandardInput())
            try input.descriptor.writeAll("some text")
            input.discard()
            let output = try present(child.takeStandardOutput())
            let errors = try present(child.takeStandardError())
            #expect(try output.descriptor.readText() == "some text")
            #expect(try errors.descriptor.readText() == "copied 9\n")
            #expect(try child.wait(until: .generous) == .exited(0))
            switch child.takeStandardInput() {
            case .some: Issue.record("it was taken twice")
            case .none: break
            }

            let pipe = try Pipe()
            options.standardInput = .null
            let passed = PassedDescriptor(pipe.writeEnd)
            options.standardOutput = .null
            options.standardError = .descriptor(passed)
            #expect(try server.spawn(CopyInput(), options: options).wait(until: .generous) == .exited(0))
            passed.take()?.discard()
            #expect(try pipe.readEnd.descriptor.readText() == "copied 0\n")
        }
    }

    @Test("captured output keeps the first and the last, and a grandchild that holds the stream holds nothing up")
    func captured() throws {
        try withServer { server in
            let gate = try Pipe()
            let readEnd = PassedDescriptor(gate.readEnd)
            var options = ChildOptions()
            options.standardError = .captured(bytes: 100)
            let child = try server.spawn(WriteErrors(lineCount: 20_000, gate: readEnd), options: options)
            #expect(try child.wait(until: .generous) == .exited(0))
            let captured = try #require(child.capturedStandardError)
            #expect(captured.first.starts(with: "line 0\nline 1\n".utf8) && captured.first.count == 100)
            #expect(captured.last.count == 100 && captured.text.hasSuffix("line 19998\nline 19999\n"))
            let total = (0..<20_000).reduce(0) { $0 + "line \($1)\n".utf8.count }
            #expect(captured.omittedByteCount == total - 200)
            #expect(child.capturedStandardOutput == nil)
        }
    }

    @Test("captured output that is shown too goes where the program's does")
    func shown() throws {
        let outcome = try runHelper("ForkServerHost", ["shown"])
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.contains("shown and captured"))
    }

    @Test("a fatal error's message is in what was captured")
    func fatalError() throws {
        try withServer { server in
            var options = ChildOptions()
            options.standardError = .captured()
            let child = try server.spawn(Trap(), options: options)
            let status = try child.wait(until: .generous)
            #expect(status != .exited(0))
            #expect(child.capturedStandardError?.text.contains("as the test wants it") == true)
        }
    }

    @Test("a detached child goes on when its server has ended, and its pid is known")
    func detached() throws {
        try withServer { server in
            let started = try Pipe()
            var options = ChildOptions()
            options.isDetached = true
            let child = try server.spawn(Spin(PassedDescriptor(started.writeEnd)), options: options)
            _ = try started.readEnd.descriptor.readLine()
            let left = try WatchedProcess(child.processID)
            server.shutDown()
            #expect(left.isRunning)
            // The tracker, which it shares, ends only after it.
            try left.send(.kill)
            #expect(try left.ends())
        }
    }

    private func describe(_ server: ForkServer, _ options: ChildOptions) throws -> [String: String] {
        let child = try server.spawn(DescribeSetup(variables: ["FORKSERVER_TEST", "HOME"]), options: options)
        let text = String(decoding: try child.connection.receive(until: .generous), as: UTF8.self)
        child.connection.close()
        #expect(try child.wait(until: .generous) == .exited(0))
        var facts: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            facts[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        return facts
    }
}
