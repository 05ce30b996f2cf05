import KqueueEmulation
import ReactorConformance
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("EVFILT_WRITE")
struct WriteFilterTests {
    private let bench = Workbench()
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    private func watch(_ end: End, fflags: KernelEvent.FilterFlags = [], data: Int = 0) throws {
        try kqueue.change(KernelEvent(end.descriptor, .write, .add, fflags: fflags, data: data))
    }

    @Test("data is the room that is left; without room nothing is returned")
    func room() throws {
        for channel in [try bench.sockets(), try bench.pipe(), try bench.connection()] {
            try watch(channel.far)
            let empty = try #require(try kqueue.look().first)
            #expect(empty.filter == .write && empty.flags == [] && empty.fflags == [])
            #expect(empty.data > 4096)
            try channel.far.write("some of it")
            let used = try #require(try kqueue.look().first)
            #expect(used.data > 0 && used.data <= empty.data)
            channel.far.close()
        }
        let pipe = try bench.pipe()
        try watch(pipe.far)
        try pipe.far.write("0123456789")
        #expect(try kqueue.look().map(\.data) == [65536 - 10])
    }

    @Test("what was full is returned when there is room again")
    func roomAgain() throws {
        for channel in [try bench.sockets(), try bench.pipe()] {
            try channel.far.fill()
            try watch(channel.far)
            #expect(try kqueue.look() == [])
            while try kqueue.look().isEmpty { _ = try channel.near.read() }
            channel.far.close()
        }
    }

    @Test("NOTE_LOWAT sets a mark of the event's own, in data")
    func lowWaterMark() throws {
        let sockets = try bench.sockets()
        try watch(sockets.near, fflags: .lowWaterMark, data: 1 << 40)
        #expect(try kqueue.look() == [])
        try watch(sockets.near, fflags: .lowWaterMark, data: 1)
        #expect(try kqueue.look().count == 1)
    }

    @Test("EV_EOF is set when the reader is gone, also of a full pipe")
    func readerGone() throws {
        for fills in [false, true] {
            let pipe = try bench.pipe()
            if fills { try pipe.far.fill() }
            try watch(pipe.far)
            #expect(try kqueue.look().map(\.flags) == (fills ? [] : [[]]))
            pipe.near.close()
            #expect(try kqueue.nextEndOfFile().ident == UInt(pipe.far.descriptor.rawValue))
            pipe.far.close()
        }
        let sockets = try bench.sockets()
        try watch(sockets.near)
        sockets.far.close()
        #expect(try kqueue.nextEndOfFile().ident == UInt(sockets.near.descriptor.rawValue))
    }

    @Test("files are not supported")
    func file() throws {
        let directory = try TemporaryDirectory()
        let file = bench.keep(try directory.create("file", pattern(10)))
        #expect(throws: Errno.invalidArgument) { try watch(file) }
    }

    @Test("Sockets: a connection that was refused has that error in fflags")
    func refused() throws {
        let listener = try bench.boundSocket()
        let near = bench.keep(try OwnedFileDescriptor.socket(family: AF_INET))
        try near.descriptor.setBlocking(false)
        // Nobody listens there.
        let address = try listener.descriptor.localAddress()
        let result = address.withPointer { connect(near.descriptor.rawValue, $0, address.length) }
        #expect(result == -1 && errno == EINPROGRESS)
        try kqueue.change(KernelEvent(near.descriptor, .write, .add))
        let event = try #require(try kqueue.next().first)
        #expect(event.flags == .endOfFile)
        #expect(event.fflags.rawValue == UInt32(Errno.connectionRefused.rawValue))
        #expect(try near.descriptor.option(SOL_SOCKET, SO_ERROR) == ECONNREFUSED)
    }
}
