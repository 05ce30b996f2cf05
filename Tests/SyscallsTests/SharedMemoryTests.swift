import Syscalls
import TestSupport
import Testing

@Suite("Shared memory")
struct SharedMemoryTests {
    private static let size = 10_000

    private func countUp(_ mapping: borrowing MemoryMapping) {
        mapping.withBytes { bytes in
            for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index) }
        }
    }

    private func expectReversed(_ mapping: borrowing MemoryMapping) {
        let isReversed = mapping.withSpan { bytes in
            bytes.withUnsafeBytes { bytes in
                bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: ~$0) }
            }
        }
        #expect(isReversed)
    }

    @Test("what one process writes to a named segment another reads, and back")
    func named() throws {
        let name = "/forkserver-test-\(try randomName())"
        let memory = try SharedMemory(creating: name, size: Self.size)
        defer { try? SharedMemory.unlink(name) }
        #expect(try memory.size() == Self.size)
        #expect(try memory.descriptor.status().permissions == 0o600)
        let mapping = try memory.map()
        #expect(mapping.count == Self.size)
        countUp(mapping)
        #expect(try runHelper("SyscallsHelper", ["reverse-memory", name]) == .success)
        expectReversed(mapping)
    }

    @Test("a name is taken once, stays until it is removed, and those who have it open keep the memory")
    func names() throws {
        let name = "/forkserver-test-\(try randomName())"
        let memory = try SharedMemory(creating: name, size: 1)
        defer { try? SharedMemory.unlink(name) }
        #expect(throws: Errno.fileExists) { _ = try SharedMemory(creating: name, size: 1) }
        let again = try SharedMemory(opening: name)
        #expect(try again.descriptor.status().identity == memory.descriptor.status().identity)
        try SharedMemory.unlink(name)
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try SharedMemory(opening: name) }
        #expect(throws: Errno.noSuchFileOrDirectory) { try SharedMemory.unlink(name) }
        let mapping = try memory.map()
        mapping.withBytes { $0[0] = 7 }
        let other = try again.map()
        let seen = other.withSpan { $0.unsafeLoad(as: UInt8.self) }
        #expect(seen == 7)
    }

    @Test("a segment opened to read cannot be mapped to write")
    func readOnly() throws {
        let name = "/forkserver-test-\(try randomName())"
        let memory = try SharedMemory(creating: name, size: 1)
        defer { try? SharedMemory.unlink(name) }
        try memory.map().withBytes { $0[0] = 9 }
        let reader = try SharedMemory(opening: name, readOnly: true)
        #expect(throws: Errno.permissionDenied) { _ = try reader.map() }
        let mapping = try reader.map(writable: false)
        let seen = mapping.withSpan { $0.unsafeLoad(as: UInt8.self) }
        #expect(seen == 9)
    }

    @Test("a mapping is written through a span, and read through another")
    func spans() throws {
        let name = "/forkserver-test-\(try randomName())"
        let memory = try SharedMemory(creating: name, size: 16)
        defer { try? SharedMemory.unlink(name) }
        let mapping = try memory.map()
        let count = mapping.withMutableSpan { bytes in
            bytes.storeBytes(of: 0x0102_0304_0506_0708, toByteOffset: 8, as: UInt64.self)
            return bytes.byteCount
        }
        #expect(count == 16)
        let again = try memory.map(writable: false)
        let seen = again.withSpan { $0.unsafeLoad(fromByteOffset: 8, as: UInt64.self) }
        #expect(seen == 0x0102_0304_0506_0708)
    }

    #if os(Linux)
        @Test("memory is mapped for as long as the mapping lives, and one that is not writable is not written")
        func lifetime() throws {
            #expect(try runHelper("SyscallsHelper", ["mapping"]) == .success)
        }

        @Test("what one process writes to anonymous memory another reads, and back")
        func anonymous() throws {
            let memory = try SharedMemory(anonymous: "test", size: Self.size)
            let mapping = try memory.map()
            countUp(mapping)
            let outcome = try runHelper(
                "SyscallsHelper", ["reverse-received-memory"], descriptors: [3: memory.descriptor])
            #expect(outcome == .success)
            expectReversed(mapping)
        }

        @Test("anonymous memory can neither shrink nor grow, and says so")
        func seals() throws {
            let memory = try SharedMemory(anonymous: "test", size: Self.size)
            let isSealed = memory.isSealedAgainstResizing
            #expect(isSealed)
            #expect(throws: Errno.notPermitted) { try memory.descriptor.truncate(to: 1) }
            #expect(throws: Errno.notPermitted) { try memory.descriptor.truncate(to: 1_000_000) }
            #expect(try memory.size() == Self.size)
        }

        @Test("a file and a named segment are not taken for memory that cannot shrink")
        func unsealed() throws {
            let directory = try TemporaryDirectory()
            let file = SharedMemory(owning: try directory.create("file", [1, 2]))
            let isFileSealed = file.isSealedAgainstResizing
            #expect(!isFileSealed)
            let name = "/forkserver-test-\(try randomName())"
            let segment = try SharedMemory(creating: name, size: 1)
            defer { try? SharedMemory.unlink(name) }
            let isSegmentSealed = segment.isSealedAgainstResizing
            #expect(!isSegmentSealed)
        }
    #endif

    @Test("memory of no size cannot be mapped")
    func empty() throws {
        let name = "/forkserver-test-\(try randomName())"
        let memory = try SharedMemory(creating: name, size: 0)
        defer { try? SharedMemory.unlink(name) }
        #expect(throws: Errno.invalidArgument) { _ = try memory.map() }
    }
}
