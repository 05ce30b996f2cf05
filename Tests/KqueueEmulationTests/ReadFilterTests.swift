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

@Suite("EVFILT_READ")
struct ReadFilterTests {
    private let bench = Workbench()
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    private func watch(_ end: End, fflags: KernelEvent.FilterFlags = [], data: Int = 0) throws {
        try kqueue.change(KernelEvent(end.descriptor, .read, .add, fflags: fflags, data: data))
    }

    @Test("Sockets: a listening one returns when a connection is pending, data is how many are")
    func listening() throws {
        let listener = try bench.boundSocket()
        try listener.descriptor.listen(backlog: 8)
        try watch(listener)
        #expect(try kqueue.look() == [])
        var clients: [End] = []
        for count in 1...3 {
            let client = bench.keep(try OwnedFileDescriptor.socket(family: AF_INET))
            try client.descriptor.connect(to: try listener.descriptor.localAddress())
            clients.append(client)
            #expect(try kqueue.next().map(\.data) == [count])
        }
        for count in [2, 1, 0] {
            _ = try bench.accept(listener)
            #expect(try kqueue.look().map(\.data) == (count > 0 ? [count] : []))
        }
    }

    @Test("Sockets: a listening Unix socket returns when a connection is pending")
    func listeningLocally() throws {
        let directory = try TemporaryDirectory()
        let listener = bench.keep(try OwnedFileDescriptor.socket(family: AF_UNIX))
        try listener.descriptor.bind(to: try SocketAddress(unixPath: directory.file("socket")))
        try listener.descriptor.listen(backlog: 8)
        try watch(listener)
        #expect(try kqueue.look() == [])
        let client = bench.keep(try OwnedFileDescriptor.socket(family: AF_UNIX))
        try client.descriptor.connect(to: try listener.descriptor.localAddress())
        #expect(try kqueue.look().map(\.data) == [1])
        _ = try bench.accept(listener)
        #expect(try kqueue.look() == [])
    }

    @Test("Sockets: data is the number of bytes to read")
    func byteCount() throws {
        for channel in [try bench.sockets(), try bench.connection()] {
            try watch(channel.near)
            #expect(try kqueue.look() == [])
            try channel.far.write("12345")
            #expect(try kqueue.next() == [KernelEvent(channel.near.descriptor, .read, data: 5)])
            #expect(try channel.near.read(upTo: 2) == "12")
            #expect(try kqueue.look().map(\.data) == [3])
            #expect(try channel.near.read() == "345")
            #expect(try kqueue.look() == [])
        }
    }

    @Test("Sockets: an empty message is something to read")
    func emptyMessage() throws {
        let pair = try SocketPair(.sequencedPacket)
        let (near, far) = (bench.keep(pair.first), bench.keep(pair.second))
        try watch(near)
        _ = try far.descriptor.send([UInt8]().span.bytes)
        #expect(try kqueue.look().count == 1)
    }

    @Test("Sockets: SO_RCVLOWAT is respected")
    func socketLowWaterMark() throws {
        for channel in [try bench.sockets(), try bench.connection()] {
            try channel.near.descriptor.setOption(SOL_SOCKET, SO_RCVLOWAT, to: 4)
            try watch(channel.near)
            try channel.far.write("123")
            #expect(try kqueue.look() == [])
            try channel.far.write("4")
            #expect(try kqueue.next().map(\.data) == [4])
            channel.near.close()
        }
    }

    @Test("Sockets: NOTE_LOWAT sets a mark of the event's own, in data")
    func lowWaterMark() throws {
        let sockets = try bench.sockets()
        try watch(sockets.near, fflags: .lowWaterMark, data: 3)
        try sockets.far.write("12")
        #expect(try kqueue.look() == [])
        try sockets.far.write("3")
        #expect(try kqueue.look().map(\.data) == [3])
        #expect(try sockets.near.read(upTo: 1) == "1")
        #expect(try kqueue.look() == [])
        try watch(sockets.near)
        #expect(try kqueue.look().map(\.data) == [2])
        try watch(sockets.near, fflags: .lowWaterMark, data: 3)
        sockets.far.close()
        #expect(try kqueue.nextEndOfFile().data == 2)
    }

    @Test("Sockets: when the read direction has ended EV_EOF is set, while there is still data to read")
    func endOfFile() throws {
        for channel in [try bench.sockets(), try bench.connection()] {
            try watch(channel.near)
            try channel.far.write("last")
            try channel.far.descriptor.shutdownSending()
            _ = try kqueue.nextEndOfFile()
            #expect(try kqueue.look() == [KernelEvent(channel.near.descriptor, .read, .endOfFile, data: 4)])
            #expect(try channel.near.read() == "last")
            #expect(try kqueue.look() == [KernelEvent(channel.near.descriptor, .read, .endOfFile, data: 0)])
            #expect(try channel.near.read() == "")
            channel.near.close()
        }
    }

    @Test("Sockets: the socket's error is in fflags, and still the program's to read")
    func socketError() throws {
        let sockets = try bench.sockets()
        try watch(sockets.near)
        try sockets.near.write("nobody reads this")
        sockets.far.close()
        let event = try kqueue.nextEndOfFile()
        #expect(event.fflags.rawValue == UInt32(Errno.connectionReset.rawValue))
        #expect(throws: Errno.connectionReset) { try sockets.near.read() }
    }

    @Test("Sockets: a connection reset by its peer has that error in fflags")
    func reset() throws {
        let connection = try bench.connection()
        try watch(connection.near)
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            connection.far.descriptor.rawValue, SOL_SOCKET, SO_LINGER, &linger,
            socklen_t(MemoryLayout.size(ofValue: linger)))
        connection.far.close()
        let event = try kqueue.nextEndOfFile()
        #expect(event.fflags.rawValue == UInt32(Errno.connectionReset.rawValue))
        #expect(throws: Errno.connectionReset) { try connection.near.read() }
    }

    @Test("Vnodes: returns when the file's position is not its end, data is what is between, and may be negative")
    func file() throws {
        let directory = try TemporaryDirectory()
        let file = bench.keep(try directory.create("file", pattern(10)))
        try watch(file)
        for _ in 1...2 { #expect(try kqueue.look() == [KernelEvent(file.descriptor, .read, data: 10)]) }
        try file.descriptor.seek(to: 4)
        #expect(try kqueue.look().map(\.data) == [6])
        try file.descriptor.seek(to: 13)
        #expect(try kqueue.look().map(\.data) == [-3])
        try file.descriptor.seek(to: 10)
        #expect(try kqueue.look() == [])
        try bench.keep(try OwnedFileDescriptor.open(directory.file("file"), [.writeOnly, .append])).write("more")
        #expect(try kqueue.next().map(\.data) == [4])
        file.close()
    }

    @Test("Vnodes: with EV_CLEAR a file is told of when it has grown")
    func clearFile() throws {
        let directory = try TemporaryDirectory()
        let file = bench.keep(try directory.create("file", pattern(10)))
        try kqueue.change(KernelEvent(file.descriptor, .read, [.add, .clear]))
        #expect(try kqueue.look().map(\.data) == [10])
        #expect(try kqueue.look() == [])
        let writer = bench.keep(try OwnedFileDescriptor.open(directory.file("file"), [.writeOnly, .append]))
        for data in [11, 12] {
            try writer.write("x")
            #expect(try kqueue.next().map(\.data) == [data])
            #expect(try kqueue.look() == [])
        }
    }

    @Test("Vnodes: the event of a closed file goes, and is not that of the number's next one")
    func closedFile() throws {
        let directory = try TemporaryDirectory()
        let file = bench.keep(try directory.create("file", pattern(10)))
        let end = try bench.duplicateAtPrivateNumber(file)
        try watch(end)
        try end.becomeDuplicate(of: bench.keep(try directory.create("other", pattern(20))))
        #expect(try kqueue.look() == [])
        try watch(end)
        #expect(try kqueue.look().map(\.data) == [20])
        end.close()
        #expect(try kqueue.look() == [])
    }

    @Test("Fifos, Pipes: data is the number of bytes to read")
    func pipe() throws {
        let pipe = try bench.pipe()
        try watch(pipe.near)
        #expect(try kqueue.look() == [])
        try pipe.far.write("123")
        #expect(try kqueue.look() == [KernelEvent(pipe.near.descriptor, .read, data: 3)])
    }

    @Test("Fifos, Pipes: EV_EOF is set when the last writer is gone, while there is still data to read")
    func lastWriter() throws {
        let pipe = try bench.pipe()
        let second = try bench.duplicate(pipe.far)
        try watch(pipe.near)
        try second.write("last")
        second.close()
        #expect(try kqueue.look().map(\.flags) == [[]])
        pipe.far.close()
        #expect(try kqueue.nextEndOfFile() == KernelEvent(pipe.near.descriptor, .read, .endOfFile, data: 4))
        #expect(try pipe.near.read() == "last")
        for _ in 1...2 { #expect(try kqueue.look() == [KernelEvent(pipe.near.descriptor, .read, .endOfFile)]) }
        #expect(try pipe.near.read() == "")
    }

    @Test("Fifos, Pipes: EV_EOF is cleared when a new writer comes")
    func newWriter() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("fifo")
        try #require(mkfifo(path, 0o600) == 0)
        let reader = bench.keep(try OwnedFileDescriptor.open(path, [.readOnly, .nonBlocking]))
        try watch(reader)
        bench.keep(try OwnedFileDescriptor.open(path, .writeOnly)).close()
        #expect(try kqueue.nextEndOfFile().data == 0)
        let writer = bench.keep(try OwnedFileDescriptor.open(path, .writeOnly))
        #expect(try kqueue.look() == [])
        try writer.write("x")
        #expect(try kqueue.look() == [KernelEvent(reader.descriptor, .read, data: 1)])
    }

    @Test("Device nodes: one that cannot be waited for cannot be added")
    func device() throws {
        let device = bench.keep(try OwnedFileDescriptor.open("/dev/null", .readOnly))
        #expect(throws: Errno.invalidArgument) { try watch(device) }
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try kqueue.change(KernelEvent(device.descriptor, .read, .delete))
        }
    }

    #if os(Linux)
        @Test("Eventfds: returns when the counter is not zero")
        func eventCounter() throws {
            let counter = try EventCounter()
            try kqueue.change(KernelEvent(counter.descriptor, .read, .add))
            #expect(try kqueue.look() == [])
            try counter.add(3)
            #expect(try kqueue.look().count == 1)
            _ = try counter.take()
            #expect(try kqueue.look() == [])
        }
    #endif
}
