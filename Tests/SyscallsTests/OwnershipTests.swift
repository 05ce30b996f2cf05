import Syscalls
import TestSupport
import Testing

/// In helpers, where nobody else opens and closes descriptors meanwhile.
@Suite("Ownership of descriptors")
struct OwnershipTests {
    @Test("an owned descriptor is closed once: at the end of its scope, by close, or not at all after take")
    func closedOnce() throws {
        #expect(try runHelper("SyscallsHelper", ["ownership"]) == .success)
    }

    @Test("a close that fails is reported")
    func failedClose() throws {
        #expect(try runHelper("SyscallsHelper", ["close-reports"]) == .success)
    }

    @Test("a call that fails leaves no descriptor open")
    func failedCalls() throws {
        #expect(try runHelper("SyscallsHelper", ["failed-calls-keep-nothing"]) == .success)
    }

    @Test("a named segment that could not get its size leaves neither name nor descriptor")
    func failedSharedMemory() throws {
        #expect(try runHelper("SyscallsHelper", ["failed-shared-memory-keeps-no-name"]) == .success)
    }

    @Test("a child of a fork can close all descriptors but some")
    func closeDescriptors() throws {
        #expect(try runHelper("SyscallsHelper", ["close-descriptors"]) == .success)
    }

    @Test("a duplicate is another number for the same open file, close-on-exec and closed by itself")
    func duplicate() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file", Array("abc".utf8))
        let second = try file.duplicate()
        #expect(second.descriptor != file.descriptor)
        #expect(try second.descriptor.isCloseOnExec())
        #expect(try second.descriptor.status().identity == file.descriptor.status().identity)
        // The position is the open file's.
        #expect(try file.descriptor.readExactly(2) == Array("ab".utf8))
        #expect(try second.descriptor.readExactly(1) == Array("c".utf8))
        try second.close()
        #expect(file.descriptor.isOpen)
        let high = try file.descriptor.duplicate(atLeast: 300)
        #expect(high.descriptor.rawValue >= 300)
    }
}
