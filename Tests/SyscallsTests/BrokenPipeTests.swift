import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// In helpers, where SIGPIPE has its default effect and would end the process.
@Suite("Broken pipes")
struct BrokenPipeTests {
    @Test("writing to a pipe or socket whose reader is gone is EPIPE and no signal", arguments: ["pipe", "socket"])
    func error(kind: String) throws {
        #expect(try runHelper("SyscallsHelper", ["broken-\(kind)"]) == .success)
    }

    @Test("no SIGPIPE is left over for a caller that had it blocked meanwhile")
    func blocked() throws {
        #expect(try runHelper("SyscallsHelper", ["broken-pipe-blocked"]) == .success)
    }

    @Test("a SIGPIPE that was pending before the write is still pending after it")
    func pending() throws {
        #expect(try runHelper("SyscallsHelper", ["broken-pipe-pending"]) == .success)
    }

    @Test("after a write SIGPIPE has its effect again")
    func mask() throws {
        let outcome = try runHelper("SyscallsHelper", ["broken-pipe-mask"])
        #expect(outcome == HelperOutcome(status: .signaled(SIGPIPE, coreDumped: false)))
    }
}
