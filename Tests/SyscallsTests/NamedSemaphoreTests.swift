import Syscalls
import TestSupport
import Testing

@Suite("Named semaphores")
struct NamedSemaphoreTests {
    @Test("a semaphore gives as many as it has, and then makes wait")
    func counting() throws {
        let name = "/forkserver-test-\(try randomName())"
        let semaphore = try NamedSemaphore(creating: name, value: 2)
        defer { try? NamedSemaphore.unlink(name) }
        #expect(try semaphore.tryWait())
        try semaphore.wait()
        #expect(try !semaphore.tryWait())
        for deadline in [Deadline.now, .after(.milliseconds(10)), .after(.seconds(-9_000_000_000))] {
            #expect(throws: Errno.timedOut) { try semaphore.wait(until: deadline) }
        }
        try semaphore.post()
        try semaphore.wait(until: .generous)
        #expect(try !semaphore.tryWait())
    }

    @Test("who waits is woken by a post from another thread")
    func waking() throws {
        let name = "/forkserver-test-\(try randomName())"
        let semaphore = try NamedSemaphore(creating: name, value: 0)
        defer { try? NamedSemaphore.unlink(name) }
        let waiting = try Background { try NamedSemaphore(opening: name).wait(until: .generous) }
        try semaphore.post()
        try waiting.get()
        #expect(try !semaphore.tryWait())
    }

    @Test("two processes hand a token to and fro")
    func processes() throws {
        let names = try (0..<2).map { _ in "/forkserver-test-\(try randomName())" }
        let there = try NamedSemaphore(creating: names[0], value: 0)
        defer { try? NamedSemaphore.unlink(names[0]) }
        let back = try NamedSemaphore(creating: names[1], value: 0)
        defer { try? NamedSemaphore.unlink(names[1]) }
        var helper = try HelperProcess("SyscallsHelper", ["relay-semaphore", names[0], names[1], "100"])
        for _ in 0..<100 {
            try there.post()
            try back.wait(until: .generous)
        }
        #expect(try helper.waitForOutcome() == .success)
        #expect(try !there.tryWait())
        #expect(try !back.tryWait())
    }

    @Test("a name is taken once, and those who have it open keep the semaphore when it is removed")
    func names() throws {
        let name = "/forkserver-test-\(try randomName())"
        let semaphore = try NamedSemaphore(creating: name, value: 0)
        defer { try? NamedSemaphore.unlink(name) }
        #expect(throws: Errno.fileExists) { _ = try NamedSemaphore(creating: name, value: 0) }
        let again = try NamedSemaphore(opening: name)
        try NamedSemaphore.unlink(name)
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try NamedSemaphore(opening: name) }
        #expect(throws: Errno.noSuchFileOrDirectory) { try NamedSemaphore.unlink(name) }
        try again.post()
        #expect(try semaphore.tryWait())
    }
}
