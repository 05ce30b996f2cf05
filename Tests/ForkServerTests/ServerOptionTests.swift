import FDPassing
import ForkServer
import ForkServerTestPrograms
import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("How a server differs from its program", .timeLimit(.minutes(10)))
struct ServerOptionTests {
    @Test(
        "arguments, environment, directory and limits are as asked for, with and without what makes forking cheap",
        arguments: [true, false])
    func surroundings(isTuned: Bool) throws {
        let directory = try TemporaryDirectory()
        let options = hosted {
            $0.isTunedForForking = isTuned
            $0.arguments = ["--one", "two"]
            $0.environment = ["FORKSERVER_TEST": "set", "HOME": nil, "GLIBC_TUNABLES": "glibc.malloc.check=0"]
            $0.workingDirectory = directory.path
            $0.resourceLimits = [.openFiles: ResourceLimit(soft: 99, hard: 100)]
        }
        try withServer(options) { server in
            let child = try server.spawn(
                DescribeSetup(variables: ["FORKSERVER_TEST", "HOME", "GLIBC_TUNABLES", "LD_BIND_NOW"]))
            let lines = String(decoding: try child.connection.receive(until: .generous), as: UTF8.self)
                .split(separator: "\n").map(String.init)
            #expect(lines.contains("arguments=--one two"))
            #expect(lines.contains("FORKSERVER_TEST=set"))
            #expect(lines.contains("HOME=(none)"))
            #expect(lines.contains("GLIBC_TUNABLES=glibc.malloc.check=0"))
            #expect(lines.contains("LD_BIND_NOW=(none)"))
            #expect(lines.contains { $0.hasPrefix("directory=") && $0.hasSuffix(directory.path) })
            #expect(lines.contains("open files=99"))
        }
    }

    @Test("what children print goes where the server's streams go")
    func streams() throws {
        let output = try Pipe()
        let errors = try Pipe()
        var options = hosted()
        options.standardOutput = try PassedDescriptor(duplicating: output.writeEnd.descriptor)
        options.standardError = try PassedDescriptor(duplicating: errors.writeEnd.descriptor)
        try withServer(options) { server throws in
            #expect(try server.spawn(CopyInput()).wait(until: .generous) == .exited(0))
            #expect(try server.spawn(PrintAndLeave("printed", code: 3)).wait(until: .generous) == .exited(3))
        }
        let line = try errors.readEnd.descriptor.readLine()
        let printed = try output.readEnd.descriptor.read(upTo: 7)
        #expect(line == "copied 0")
        #expect(printed == Array("printed".utf8))
    }

    @Test("what cannot be had is an error that names it")
    func impossible() throws {
        #expect {
            try withServer(hosted { $0.workingDirectory = "/nonexistent" }) { try $0.start() }
        } throws: { error in
            if case ForkServerError.system(.noSuchFileOrDirectory) = error { true } else { false }
        }
        let options = hosted { $0.resourceLimits = [.openFiles: ResourceLimit(soft: 100, hard: 99)] }
        #expect { try withServer(options) { try $0.start() } } throws: { error in
            guard case ForkServerError.startFailed(let reason) = error else { return false }
            return reason.contains("openFiles")
        }
    }
}
