import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("Readiness of descriptors")
struct ReadinessTests {
    private let bench = Workbench()

    @Test("a reader is called when there is something to read, and not before", arguments: Backend.all)
    func readable(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let pipe = try bench.pipe()
        var told: [Readiness] = []
        try reactor.addReader(pipe.near.descriptor) { told.append($0) }
        try reactor.look()
        #expect(told == [])
        try pipe.far.write("x")
        try reactor.look()
        #expect(told == [.readable])
        #expect(reactor.readers == [pipe.near.descriptor])
        #expect(reactor.writers == [])
    }

    @Test("a writer is called while its peer takes more, and not while it is full", arguments: Backend.all)
    func writable(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        var told: [Readiness] = []
        try reactor.addWriter(sockets.near.descriptor) { told.append($0) }
        try reactor.look()
        #expect(told == [.writable])
        let count = try sockets.near.fill()
        try reactor.look()
        #expect(told == [.writable])
        _ = try sockets.far.descriptor.readExactly(count)
        try reactor.look()
        #expect(told == [.writable, .writable])
        #expect(reactor.writers == [sockets.near.descriptor])
        #expect(reactor.readers == [])
    }

    @Test("reader and writer of one descriptor are each called for their own, the reader first", arguments: Backend.all)
    func both(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        var told: [String] = []
        // In this order, so that the order of the calls is not that of the additions.
        try reactor.addWriter(sockets.near.descriptor) { _ in told.append("writer") }
        try reactor.addReader(sockets.near.descriptor) { _ in told.append("reader") }
        try reactor.look()
        #expect(told == ["writer"])
        try sockets.far.write("x")
        try reactor.look()
        #expect(told == ["writer", "reader", "writer"])
        let count = try sockets.near.fill()
        try reactor.look()
        #expect(told == ["writer", "reader", "writer", "reader"])
        _ = try sockets.near.read()
        try reactor.look()
        #expect(told.count == 4)
        _ = try sockets.far.descriptor.readExactly(count)
        try reactor.look()
        #expect(told.suffix(1) == ["writer"])
    }

    @Test("what is ready and not dealt with is told again, until it is dealt with", arguments: Backend.all)
    func levelTriggered(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let pipe = try bench.pipe()
        var calls = 0
        try reactor.addReader(pipe.near.descriptor) { _ in calls += 1 }
        try pipe.far.write("abc")
        for round in 1...3 {
            try reactor.look()
            #expect(calls == round)
        }
        // A part is not all.
        #expect(try pipe.near.read(upTo: 2) == "ab")
        try reactor.look()
        #expect(calls == 4)
        #expect(try pipe.near.read() == "c")
        try reactor.look()
        #expect(calls == 4)
    }

    @Test(
        "what a peer sent before it hung up is read before the end", arguments: Backend.all,
        ChannelKind.allCases)
    func hangUpWithData(backend: Backend, kind: ChannelKind) throws {
        let reactor = try bench.reactor(backend)
        let channel = try bench.channel(kind)
        try channel.far.write("last words")
        channel.far.close()
        var told: [Readiness] = []
        var parts: [String] = []
        try reactor.addReader(channel.near.descriptor) { readiness in
            told.append(readiness)
            parts.append((try? channel.near.read(upTo: 4)) ?? "an error")
            if parts.last == "" { reactor.removeReader(channel.near.descriptor) }
        }
        try reactor.run { reactor.readers.isEmpty }
        #expect(parts == ["last", " wor", "ds", ""])
        #expect(told[..<3].allSatisfy { $0.contains([.readable, .hangUp]) })
        #expect(told.last?.contains(.hangUp) == true)
    }

    @Test(
        "a hang-up without data is told to readers and writers", arguments: Backend.all,
        ChannelKind.allCases)
    func hangUpAlone(backend: Backend, kind: ChannelKind) throws {
        let reactor = try bench.reactor(backend)
        let channel = try bench.channel(kind)
        var toldReader: [Readiness] = []
        var toldWriter: [Readiness] = []
        try reactor.addReader(channel.near.descriptor) { toldReader.append($0) }
        try reactor.look()
        #expect(toldReader == [])
        channel.far.close()
        try reactor.look()
        #expect(toldReader.count == 1 && toldReader[0].contains(.hangUp))
        #expect(try channel.near.read() == "")
        reactor.removeReader(channel.near.descriptor)
        try reactor.addWriter(channel.near.descriptor) { toldWriter.append($0) }
        try reactor.look()
        #expect(toldWriter.count == 1 && toldWriter[0].contains(.hangUp))
        #expect(toldReader.count == 1)
    }

    @Test("a peer that only ends its sending is the end of the stream and no hang-up", arguments: Backend.all)
    func halfClose(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        var told: [Readiness] = []
        try reactor.addReader(sockets.near.descriptor) { told.append($0) }
        try sockets.far.descriptor.shutdownSending()
        try reactor.look()
        #expect(told == [.readable])
        #expect(try sockets.near.read() == "")
        try sockets.near.write("still there")
        #expect(try sockets.far.read() == "still there")
    }

    @Test("a pipe whose reader is gone is in error, for writers and for readers", arguments: Backend.all)
    func error(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let pipe = try bench.pipe()
        var toldWriter: [Readiness] = []
        var toldReader: [Readiness] = []
        _ = try pipe.far.fill()
        try reactor.addWriter(pipe.far.descriptor) { toldWriter.append($0) }
        try reactor.look()
        #expect(toldWriter == [])
        pipe.near.close()
        try reactor.look()
        #expect(toldWriter.count == 1 && toldWriter[0].contains(.error))
        #expect(throws: Errno.brokenPipe) { try pipe.far.write("x") }
        reactor.removeWriter(pipe.far.descriptor)
        try reactor.addReader(pipe.far.descriptor) { toldReader.append($0) }
        try reactor.look()
        #expect(toldReader.count == 1 && toldReader[0].contains(.error))
    }

    @Test("a socket whose peer left data unread is in error", arguments: Backend.all)
    func reset(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        try sockets.near.write("nobody will read this")
        var told: [Readiness] = []
        try reactor.addReader(sockets.near.descriptor) { told.append($0) }
        sockets.far.close()
        try reactor.look()
        #expect(told.count == 1 && told[0].isSuperset(of: [.readable, .hangUp, .error]))
        #expect(throws: Errno.connectionReset) { try sockets.near.read() }
    }

    @Test("a reader that is added again replaces the one before", arguments: Backend.all)
    func replacedHandler(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        try sockets.far.write("x")
        var told: [String] = []
        for name in ["first", "second"] {
            try reactor.addReader(sockets.near.descriptor) { _ in told.append(name) }
            try reactor.addWriter(sockets.near.descriptor) { _ in told.append("\(name) writer") }
        }
        try reactor.look()
        #expect(told == ["second", "second writer"])
        #expect(reactor.readers == [sockets.near.descriptor])
        #expect(reactor.writers == [sockets.near.descriptor])
    }

    @Test("reader and writer are removed one without the other", arguments: Backend.all)
    func removedSeparately(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        try sockets.far.write("x")
        var told: [String] = []
        try reactor.addReader(descriptor) { _ in told.append("reader") }
        try reactor.addWriter(descriptor) { _ in told.append("writer") }
        reactor.removeReader(descriptor)
        try reactor.look()
        #expect(told == ["writer"])
        #expect(reactor.readers == [] && reactor.writers == [descriptor])
        try reactor.addReader(descriptor) { _ in told.append("reader") }
        reactor.removeWriter(descriptor)
        try reactor.look()
        #expect(told == ["writer", "reader"])
        #expect(reactor.readers == [descriptor] && reactor.writers == [])
        reactor.removeReader(descriptor)
        try reactor.look()
        #expect(told.count == 2)
        #expect(reactor.readers == [])
    }

    @Test("a reactor leaves no descriptors open, and those that it watched as they were", arguments: Backend.all)
    func descriptorsStayTheirOwners(backend: Backend) throws {
        let sockets = try bench.sockets()
        weak var gone: Reactor?
        do {
            let reactor = try Reactor(backend: backend.type)
            gone = reactor
            try reactor.addReader(sockets.near.descriptor) { [unowned reactor] _ in reactor.stop() }
            reactor.handle.schedule { _ in }
            try reactor.look()
        }
        #expect(gone == nil)
        try sockets.near.write("x")
        #expect(try sockets.far.read() == "x")
    }
}
