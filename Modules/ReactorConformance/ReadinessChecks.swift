import Reactor
import Syscalls

extension ConformanceCheck {
    /// Readiness of descriptors.
    static let readinessChecks = [
        ConformanceCheck(
            "a reader is called when there is something to read, and not before",
            ReadinessChecks.readable),
        ConformanceCheck(
            "a writer is called while its peer takes more, and not while it is full",
            ReadinessChecks.writable),
        ConformanceCheck(
            "reader and writer of one descriptor are each called for their own, the reader first",
            ReadinessChecks.both),
        ConformanceCheck(
            "what is ready and not dealt with is told again, until it is dealt with",
            ReadinessChecks.levelTriggered),
        ConformanceCheck(
            "what a peer sent before it hung up is read before the end (pipe)",
            { try ReadinessChecks.hangUpWithData($0, try $0.pipe()) }),
        ConformanceCheck(
            "what a peer sent before it hung up is read before the end (sockets)",
            { try ReadinessChecks.hangUpWithData($0, try $0.sockets()) }),
        ConformanceCheck(
            "a hang-up without data is told to the reader (pipe)",
            { try ReadinessChecks.hangUpAlone($0, try $0.pipe()) }),
        ConformanceCheck(
            "a hang-up without data is told to the reader (sockets)",
            { try ReadinessChecks.hangUpAlone($0, try $0.sockets()) }),
        ConformanceCheck(
            "a hang-up is told to a writer whose peer was full",
            ReadinessChecks.hangUpForWriter),
        ConformanceCheck(
            "a peer that only ends its sending is the end of the stream, and can be written to",
            ReadinessChecks.halfClose),
        ConformanceCheck(
            "a pipe whose reader is gone is told to its writer, though it was full",
            ReadinessChecks.error),
        ConformanceCheck(
            "a socket whose peer left data unread is told, and read as an error",
            ReadinessChecks.reset),
        ConformanceCheck(
            "a reader that is added again replaces the one before",
            ReadinessChecks.replacedHandler),
        ConformanceCheck(
            "reader and writer are removed one without the other",
            ReadinessChecks.removedSeparately),
        ConformanceCheck(
            "a reactor leaves no descriptors open, and those that it watched as they were",
            ReadinessChecks.descriptorsStayTheirOwners),
    ]
}

private enum ReadinessChecks {

    static func readable(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        var told: [Readiness] = []
        try reactor.addReader(pipe.near.descriptor) { told.append($0) }
        try reactor.look()
        bench.expectEqual(told, [])
        try pipe.far.write("x")
        try reactor.look()
        bench.expectEqual(told, [.readable])
        bench.expectEqual(reactor.readers, [pipe.near.descriptor])
        bench.expectEqual(reactor.writers, [])
    }

    static func writable(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        var told: [Readiness] = []
        try reactor.addWriter(sockets.near.descriptor) { told.append($0) }
        try reactor.look()
        bench.expectEqual(told, [.writable])
        let count = try sockets.near.fill()
        try reactor.look()
        bench.expectEqual(told, [.writable])
        _ = try sockets.far.descriptor.readExactly(count)
        try reactor.look()
        bench.expectEqual(told, [.writable, .writable])
        bench.expectEqual(reactor.writers, [sockets.near.descriptor])
        bench.expectEqual(reactor.readers, [])
    }

    static func both(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        var told: [String] = []
        // In this order, so that the order of the calls is not that of the additions.
        try reactor.addWriter(sockets.near.descriptor) { _ in told.append("writer") }
        try reactor.addReader(sockets.near.descriptor) { _ in told.append("reader") }
        try reactor.look()
        bench.expectEqual(told, ["writer"])
        try sockets.far.write("x")
        try reactor.look()
        bench.expectEqual(told, ["writer", "reader", "writer"])
        let count = try sockets.near.fill()
        try reactor.look()
        bench.expectEqual(told, ["writer", "reader", "writer", "reader"])
        _ = try sockets.near.read()
        try reactor.look()
        bench.expectEqual(told.count, 4)
        _ = try sockets.far.descriptor.readExactly(count)
        try reactor.look()
        bench.expectEqual(told.suffix(1), ["writer"])
    }

    static func levelTriggered(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        var calls = 0
        try reactor.addReader(pipe.near.descriptor) { _ in calls += 1 }
        try pipe.far.write("abc")
        for round in 1...3 {
            try reactor.look()
            bench.expectEqual(calls, round)
        }
        // A part is not all.
        try bench.expectEqual(pipe.near.read(upTo: 2), "ab")
        try reactor.look()
        bench.expectEqual(calls, 4)
        try bench.expectEqual(pipe.near.read(), "c")
        try reactor.look()
        bench.expectEqual(calls, 4)
    }

    static func hangUpWithData(_ bench: Workbench, _ channel: Channel) throws {
        let reactor = try bench.reactor()
        try channel.far.write("last words")
        try channel.closeFar()
        var told: [Readiness] = []
        var parts: [String] = []
        try reactor.addReader(channel.near.descriptor) { readiness in
            told.append(readiness)
            parts.append((try? channel.near.read(upTo: 4)) ?? "an error")
            if parts.last == "" { reactor.removeReader(channel.near.descriptor) }
        }
        try reactor.run { reactor.readers.isEmpty }
        bench.expectEqual(parts, ["last", " wor", "ds", ""])
        bench.expect(told[..<3].allSatisfy { $0.contains(.readable) })
    }

    static func hangUpAlone(_ bench: Workbench, _ channel: Channel) throws {
        let reactor = try bench.reactor()
        var told: [Readiness] = []
        try reactor.addReader(channel.near.descriptor) { told.append($0) }
        try reactor.look()
        bench.expectEqual(told, [])
        try channel.closeFar()
        for round in 1...2 {
            try reactor.look()
            bench.expectEqual(told.count, round)
        }
        bench.expectEqual(try channel.near.read(), "")
    }

    static func hangUpForWriter(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        var calls = 0
        _ = try sockets.near.fill()
        try reactor.addWriter(sockets.near.descriptor) { _ in calls += 1 }
        try reactor.look()
        bench.expectEqual(calls, 0)
        try sockets.closeFar()
        try reactor.look()
        bench.expectEqual(calls, 1)
    }

    static func halfClose(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        var told: [Readiness] = []
        try reactor.addReader(sockets.near.descriptor) { told.append($0) }
        try sockets.far.descriptor.shutdownSending()
        try reactor.look()
        // Some kernel interfaces cannot tell this from a hang-up.
        bench.expect(told.count == 1 && told[0].contains(.readable))
        try bench.expectEqual(sockets.near.read(), "")
        try sockets.near.write("still there")
        try bench.expectEqual(sockets.far.read(), "still there")
    }

    static func error(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        var calls = 0
        _ = try pipe.far.fill()
        try reactor.addWriter(pipe.far.descriptor) { _ in calls += 1 }
        try reactor.look()
        bench.expectEqual(calls, 0)
        pipe.near.close()
        try reactor.look()
        bench.expectEqual(calls, 1)
        bench.expect(throws: .brokenPipe) { try pipe.far.write("x") }
    }

    static func reset(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        try sockets.near.write("nobody will read this")
        var told: [Readiness] = []
        try reactor.addReader(sockets.near.descriptor) { told.append($0) }
        try sockets.closeFar()
        try reactor.look()
        bench.expectEqual(told.count, 1)
        bench.expect(throws: Errno.connectionReset) { try sockets.near.read() }
    }

    static func replacedHandler(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        try sockets.far.write("x")
        var told: [String] = []
        for name in ["first", "second"] {
            try reactor.addReader(sockets.near.descriptor) { _ in told.append(name) }
            try reactor.addWriter(sockets.near.descriptor) { _ in told.append("\(name) writer") }
        }
        try reactor.look()
        bench.expectEqual(told, ["second", "second writer"])
        bench.expectEqual(reactor.readers, [sockets.near.descriptor])
        bench.expectEqual(reactor.writers, [sockets.near.descriptor])
    }

    static func removedSeparately(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        try sockets.far.write("x")
        var told: [String] = []
        try reactor.addReader(descriptor) { _ in told.append("reader") }
        try reactor.addWriter(descriptor) { _ in told.append("writer") }
        reactor.removeReader(descriptor)
        try reactor.look()
        bench.expectEqual(told, ["writer"])
        bench.expect(reactor.readers == [] && reactor.writers == [descriptor])
        try reactor.addReader(descriptor) { _ in told.append("reader") }
        reactor.removeWriter(descriptor)
        try reactor.look()
        bench.expectEqual(told, ["writer", "reader"])
        bench.expect(reactor.readers == [descriptor] && reactor.writers == [])
        reactor.removeReader(descriptor)
        try reactor.look()
        bench.expectEqual(told.count, 2)
        bench.expectEqual(reactor.readers, [])
    }

    static func descriptorsStayTheirOwners(_ bench: Workbench) throws {
        let sockets = try bench.sockets()
        weak var gone: Reactor?
        do {
            let reactor = try Reactor(backend: bench.backend)
            gone = reactor
            try reactor.addReader(sockets.near.descriptor) { [unowned reactor] _ in reactor.stop() }
            reactor.handle.schedule { _ in }
            try reactor.look()
        }
        bench.expect(gone == nil)
        try sockets.near.write("x")
        try bench.expectEqual(sockets.far.read(), "x")
    }
}
