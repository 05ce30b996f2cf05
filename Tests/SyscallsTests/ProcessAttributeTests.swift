import Syscalls
import TestSupport
import Testing

/// In helpers: what a process changes about itself is not for the runner.
@Suite("Attributes of a process")
struct ProcessAttributeTests {
    @Test("each resource's limit is told, changed and put back, and a soft one above the hard one is refused")
    func limits() throws {
        #expect(try runHelper("SyscallsHelper", ["resource-limits"]) == .success)
    }

    @Test("limits on open files, file size and processor time are enforced")
    func enforcedLimits() throws {
        #expect(try runHelper("SyscallsHelper", ["enforced-resource-limits"]) == .success)
    }

    @Test("a process and its child are each as nice as they were made")
    func niceness() throws {
        #expect(try runHelper("SyscallsHelper", ["niceness"]) == .success)
    }

    @Test("a thread has the name that it was given, cut to 15 bytes")
    func threadName() throws {
        #expect(try runHelper("SyscallsHelper", ["thread-name"]) == .success)
        let (name, cut) = try Background {
            setThreadName("a name")
            let name = Syscalls.threadName()
            setThreadName(String(repeating: "ü", count: 7) + "xyz")
            return (name, Syscalls.threadName())
        }.get()
        #expect(name == "a name")
        #expect(cut == "üüüüüüüx")
        #expect(Syscalls.threadName() != "a name")
    }

    @Test("what the standard streams hold is written out when asked for, before the process leaves at once")
    func flushing() throws {
        let outcome = try runHelper("SyscallsHelper", ["flush"])
        #expect(outcome == HelperOutcome(status: .exited(0), output: "flushed"))
    }

    #if os(Linux)
        @Test("new privileges are given up for the process and its children")
        func privileges() throws {
            #expect(try runHelper("SyscallsHelper", ["no-new-privileges"]) == .success)
        }

        @Test("a process and its child are each kept on the processors that they were given")
        func affinity() throws {
            #expect(try runHelper("SyscallsHelper", ["affinity"]) == .success)
        }

        @Test(
            "private memory grows when memory is touched, not when it is mapped or shared, and shrinks when it is freed"
        )
        func privateMemory() throws {
            #expect(try runHelper("SyscallsHelper", ["private-memory"]) == .success)
        }
    #endif
}
