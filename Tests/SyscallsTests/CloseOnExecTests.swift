import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Close-on-exec")
struct CloseOnExecTests {
    @Test("files, pipes and socket pairs are created close-on-exec")
    func channels() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file")
        #expect(try file.descriptor.isCloseOnExec())
        let pipe = try Pipe()
        #expect(try pipe.readEnd.descriptor.isCloseOnExec())
        #expect(try pipe.writeEnd.descriptor.isCloseOnExec())
        let pair = try SocketPair()
        #expect(try pair.first.descriptor.isCloseOnExec())
        #expect(try pair.second.descriptor.isCloseOnExec())
    }

    @Test("sockets are created, connected and accepted close-on-exec")
    func sockets() throws {
        let directory = try TemporaryDirectory()
        let address = try SocketAddress(unixPath: directory.file("socket"))
        let listener = try OwnedFileDescriptor.socket(family: AF_UNIX)
        #expect(try listener.descriptor.isCloseOnExec())
        try listener.descriptor.bind(to: address)
        try listener.descriptor.listen(backlog: 1)
        let client = try OwnedFileDescriptor.connect(to: address)
        #expect(try client.descriptor.isCloseOnExec())
        let accepted = try listener.descriptor.accept(until: .generous)
        #expect(try accepted.socket.descriptor.isCloseOnExec())
    }

    @Test("shared memory is created and opened close-on-exec")
    func sharedMemory() throws {
        let name = "/forkserver-test-\(try randomName())"
        let created = try SharedMemory(creating: name, size: 1)
        defer { try? SharedMemory.unlink(name) }
        #expect(try created.descriptor.isCloseOnExec())
        let opened = try SharedMemory(opening: name)
        #expect(try opened.descriptor.isCloseOnExec())
    }

    #if os(Linux)
        @Test("memfd, epoll, eventfd and process descriptors are created close-on-exec")
        func linux() throws {
            let memory = try SharedMemory(anonymous: "test", size: 1)
            #expect(try memory.descriptor.isCloseOnExec())
            let epoll = try Epoll()
            #expect(try epoll.descriptor.isCloseOnExec())
            let counter = try EventCounter()
            #expect(try counter.owned.descriptor.isCloseOnExec())
            let process = try ProcessDescriptor(of: .current)
            #expect(try process.descriptor.isCloseOnExec())
        }
    #endif

    @Test("close-on-exec can be cleared and set")
    func change() throws {
        let pipe = try Pipe()
        try pipe.readEnd.descriptor.setCloseOnExec(false)
        #expect(try !pipe.readEnd.descriptor.isCloseOnExec())
        try pipe.readEnd.descriptor.setCloseOnExec(true)
        #expect(try pipe.readEnd.descriptor.isCloseOnExec())
    }
}
