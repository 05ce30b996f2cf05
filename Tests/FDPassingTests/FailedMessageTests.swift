import TestSupport
import Testing

/// In helpers, which count their open descriptors before and after.
@Suite("Descriptor messages that fail close every descriptor that arrived")
struct FailedMessageTests {
    @Test(
        "each failure is an error of its own",
        arguments: [
            "wrong-count", "wrong-count-byte", "too-many", "unexpected-control-message", "end-of-stream",
            "never-received", "vanished-receiver",
        ])
    func failure(command: String) throws {
        #expect(try runHelper("FDPassingHelper", [command]) == .success)
    }

    @Test("a receiver without room for all of them says so, and can use the channel again once there is room")
    func noRoom() throws {
        #expect(try runHelper("FDPassingHelper", ["no-room"]) == .success)
    }
}
