import Syscalls
import TestSupport
import Testing

/// Each of these runs in a helper that a timer's signal interrupts every 200 µs while the call blocks.
@Suite("Calls in a signal storm")
struct SignalStormTests {
    @Test(
        "a blocking call that signals interrupt some 200 times goes on and gives what it would have given",
        arguments: [
            "storm-read", "storm-read-exactly", "storm-write", "storm-poll", "storm-accept", "storm-connect-unix",
            "storm-connect-tcp", "storm-waitpid", "storm-process-descriptor", "storm-semaphore",
            "storm-receive", "storm-send", "storm-vectors", "storm-open",
        ])
    func interrupted(command: String) throws {
        #expect(try runHelper("SyscallsHelper", [command]) == .success)
    }

    @Test(
        "a wait that signals interrupt ends at its deadline, not before it and not ever later",
        arguments: ["storm-poll-deadline", "storm-send-deadline", "storm-sleep"])
    func deadline(command: String) throws {
        #expect(try runHelper("SyscallsHelper", [command]) == .success)
    }

    @Test("a single wait, whose caller looks after the time, ends early with nothing")
    func singleWaits() throws {
        #expect(try runHelper("SyscallsHelper", ["storm-single-waits"]) == .success)
    }
}
