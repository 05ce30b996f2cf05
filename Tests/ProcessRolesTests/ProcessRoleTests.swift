import ProcessRoles
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private let helper = "ProcessRolesHelper"

@Suite("ProcessRole", .timeLimit(.minutes(10))) struct ProcessRoleTests {
    @Test("bootstrap returns at once in a program, also when it is called again")
    func bootstrapReturns() throws {
        #expect(try runHelper(helper, ["bootstrap"]) == .success)
    }

    @Test("a process that did not call bootstrap is known as such")
    func notBootstrapped() {
        #expect(!ProcessRole.isBootstrapped)
    }

    @Test("a role has its descriptors from 3 on in order, /dev/null as input, our output, and nothing else")
    func descriptors() throws {
        let lines = try describe([])
        #expect(lines.contains("descriptors: 0 1 2 3 4"))
        #expect(lines.contains("3: first"))
        #expect(lines.contains("4: second"))
        #expect(lines.contains("input at its end: true"))
        #expect(lines.contains("input is /dev/null: true"))
    }

    @Test("a role is shown by its name, and starts with the signals blocked that were asked for")
    func nameAndSignals() throws {
        let lines = try describe([])
        #expect(lines.contains("name: describe"))
        #expect(lines.contains("USR1 blocked: true, USR2: false"))
    }

    @Test("settings are put back before the role's code runs: unset, empty and set variables, and values with =")
    func settings() throws {
        let lines = try describe(
            ["ROLE_TEST_UNSET=1", "ROLE_TEST_EMPTY=2", "ROLE_TEST_SET=3", "ROLE_TEST_EQUALS=4"],
            environment: ["ROLE_TEST_EMPTY=", "ROLE_TEST_SET=before", "ROLE_TEST_EQUALS==a=b", "ROLE_TEST_OTHER=x"])
        #expect(
            lines.filter { $0.hasPrefix("ROLE_TEST") || $0.hasPrefix("SWIFT_FORKSERVER") } == [
                "ROLE_TEST_EMPTY=", "ROLE_TEST_EQUALS==a=b", "ROLE_TEST_OTHER=x", "ROLE_TEST_SET=before",
            ])
    }

    @Test("settings are seen by the exec: the dynamic linker obeys them")
    func settingsAtExec() throws {
        // With this one the linker says what it does, before any code of the program runs.
        let outcome = try runHelper(helper, ["start", "LD_DEBUG=files"])
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.contains("calling init"))
    }

    @Test("a program that a role starts with its environment is not taken for a role")
    func grandchild() throws {
        #expect(try describe([]).last == "role: none")
    }

    @Test("a role that bootstrap does not know ends with a message that names it")
    func unknownRole() throws {
        let outcome = try runHelper(helper, ["unknown"])
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.contains("“nobody”"))
    }

    @Test("a variable left over from somewhere else does not make a program run")
    func strayVariable() throws {
        let outcome = try runHelper(helper, ["bootstrap"]) {
            $0.environment = Environment.all + ["\(ProcessRole.variable)=stray"]
        }
        #expect(outcome.status == .exited(70))
        #expect(outcome.errors.contains("“stray”"))
    }

    @Test("a program whose standard output is closed can start a role")
    func closedOutput() throws {
        #expect(try runHelper(helper, ["closed-output"]) == .success)
    }

    @Test("a role is the same build though the executable was replaced or deleted since", arguments: [true, false])
    func replacedExecutable(isReplaced: Bool) throws {
        let directory = try TemporaryDirectory()
        let copy = directory.file("program")
        try copyExecutable(executableDirectory + "/" + helper, to: copy)
        var program = try RunningProgram(executable: copy, ["replaced"])
        #expect(try program.nextReport() == "ready")
        unlink(copy)
        if isReplaced { try copyExecutable("/bin/true", to: copy) }
        try program.openGate()
        // Something else on disk would not have ended with the role's code.
        #expect(try program.waitForOutcome() == .success)
    }

    @Test("an executable that is not there is an error")
    func missingExecutable() throws {
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try ProcessRole(name: "x") { exitImmediately(0) }.start(executable: "/nonexistent/program", descriptors: [])
        }
    }

    /// What a role says of itself.
    private func describe(_ settings: [String], environment: [String] = []) throws -> [String] {
        let outcome = try runHelper(helper, ["start"] + settings) {
            $0.environment = ($0.environment ?? Environment.all) + environment
        }
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.isEmpty)
        return outcome.output.split(separator: "\n").map(String.init)
    }
}
