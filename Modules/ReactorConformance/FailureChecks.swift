import Reactor
import Syscalls

extension ConformanceCheck {
    /// Handlers that fail, half-closes, and the end of a run.
    static let failureChecks = [
        ConformanceCheck(
            "a reader that throws is told of it and not watched any more, and the loop goes on",
            FailureChecks.readerThrows),
        ConformanceCheck(
            "a writer that throws learns that it was writing, and its reading goes on",
            FailureChecks.writerThrows),
        ConformanceCheck(
            "after the end of the stream a half-closed connection is still written to",
            FailureChecks.halfClose),
        ConformanceCheck(
            "the end of a stream is told apart from an error",
            FailureChecks.endOrError),
        ConformanceCheck(
            "a closure that throws is reported with its descriptor, direction and reason; the end of the stream is not",
            FailureChecks.closures),
        ConformanceCheck(
            "a handler may remove, replace or close itself before it throws",
            FailureChecks.changesBeforeThrowing),
        ConformanceCheck(
            "a handler may add itself again when it is told that it was disconnected",
            FailureChecks.addedAgain),
        ConformanceCheck(
            "every handler is told when the run stops, once, and watched by the next run",
            FailureChecks.toldAtStop),
        ConformanceCheck(
            "a handler that another removes at stop is not told any more",
            FailureChecks.removedAtStop),
        ConformanceCheck(
            "stop ends the innermost run",
            FailureChecks.nestedRuns),
    ]
}

private enum FailureChecks {
    static func readerThrows(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let other = try bench.pipe()
        var calls = 0
        let handler = RecordingHandler(sockets.near)
        handler.onReadable = { throw Reason(7) }
        try sockets.far.write("x")
        try other.far.write("x")
        try reactor.addReader(sockets.near.descriptor, handler)
        try reactor.addReader(other.near.descriptor) { _ in calls += 1 }
        for _ in 1...3 { try reactor.look() }
        bench.expectEqual(handler.told, ["readable", "not read any more"])
        bench.expectEqual(handler.reasons.map { $0 as? Reason }, [Reason(7)])
        bench.expectEqual(calls, 3)
        bench.expectEqual(reactor.readers, [other.near.descriptor])
        // The descriptor is its owner's as before.
        bench.expectEqual(try sockets.near.read(), "x")
    }

    static func writerThrows(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let handler = RecordingHandler(sockets.near)
        handler.onWritable = { throw Reason() }
        try sockets.far.write("x")
        try reactor.addReader(sockets.near.descriptor, handler)
        try reactor.addWriter(sockets.near.descriptor, handler)
        try reactor.look()
        bench.expectEqual(handler.takeTold(), ["readable", "writable", "not written any more"])
        bench.expectEqual(reactor.writers, [])
        try reactor.look()
        bench.expectEqual(handler.takeTold(), ["readable"])
        handler.onReadable = { throw Reason() }
        try reactor.look()
        bench.expectEqual(handler.takeTold(), ["readable", "not read any more"])
        bench.expectEqual(reactor.readers, [])
        try reactor.look()
        bench.expectEqual(handler.told, [])
    }

    static func halfClose(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let handler = RecordingHandler(sockets.near)
        var received = ""
        var left = ["one ", "two ", "three"]
        handler.onReadable = {
            let part = try sockets.near.read(upTo: 4)
            if part.isEmpty { throw EndOfStream() }
            received += part
        }
        handler.onDisconnected = { direction in
            bench.expectEqual(direction, .readable)
            // An answer, as a server gives it whose client has said that it will ask no more.
            do {
                try reactor.addWriter(sockets.near.descriptor, handler)
            } catch {
                bench.record(error)
            }
        }
        handler.onWritable = {
            try sockets.near.write(left.removeFirst())
            if left.isEmpty { reactor.removeWriter(sockets.near.descriptor) }
        }
        try sockets.far.write("question")
        try sockets.far.descriptor.shutdownSending()
        try reactor.addReader(sockets.near.descriptor, handler)
        try reactor.run { left.isEmpty }
        bench.expectEqual(received, "question")
        bench.expectEqual(handler.reasons.count, 1)
        bench.expect(handler.reasons.first is EndOfStream)
        bench.expectEqual(try sockets.far.read(), "one two three")
        bench.expectEqual(reactor.readers + reactor.writers, [])
    }

    static func endOrError(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let ended = try bench.sockets()
        let reset = try bench.sockets()
        // A peer that closes with something unread resets the connection.
        try reset.near.write("nobody will read this")
        var handlers: [RecordingHandler] = []
        for end in [ended.near, reset.near] {
            let handler = RecordingHandler(end)
            handler.onReadable = { if try end.read().isEmpty { throw EndOfStream() } }
            try reactor.addReader(end.descriptor, handler)
            handlers.append(handler)
        }
        try ended.closeFar()
        try reset.closeFar()
        try reactor.run { reactor.readers.isEmpty }
        bench.expect(handlers[0].reasons.count == 1 && handlers[0].reasons[0] is EndOfStream)
        bench.expectEqual(handlers[1].reasons.map { $0 as? Errno }, [.connectionReset])
    }

    static func closures(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let ended = try bench.pipe()
        try ended.closeFar()
        var failures: [HandlerFailure] = []
        reactor.reportFailure = { failures.append($0) }
        try sockets.far.write("x")
        try reactor.addReader(sockets.near.descriptor) { _ in throw Reason(1) }
        try reactor.addWriter(sockets.near.descriptor) { _ in throw Reason(2) }
        try reactor.addReader(ended.near.descriptor) { _ in throw EndOfStream() }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(failures.map(\.descriptor), [sockets.near.descriptor, sockets.near.descriptor])
        bench.expectEqual(failures.map(\.direction), [.readable, .writable])
        bench.expectEqual(failures.map { $0.reason as? Reason }, [Reason(1), Reason(2)])
        bench.expectEqual(reactor.readers + reactor.writers, [])
    }

    static func changesBeforeThrowing(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let removed = try bench.sockets()
        let replaced = try bench.sockets()
        let closed = try bench.sockets()
        for sockets in [removed, replaced, closed] { try sockets.far.write("x") }
        let oneShot = try bench.sockets()
        try oneShot.far.write("x")
        var failures = 0
        reactor.reportFailure = { _ in failures += 1 }
        try reactor.addReader(oneShot.near.descriptor, trigger: .oneShot) { _ in throw Reason() }
        try reactor.addReader(removed.near.descriptor) { _ in
            reactor.removeReader(removed.near.descriptor)
            throw Reason()
        }
        var calls = 0
        try reactor.addReader(replaced.near.descriptor) { _ in
            try reactor.addReader(replaced.near.descriptor) { _ in calls += 1 }
            throw Reason()
        }
        try reactor.addReader(closed.near.descriptor) { _ in
            closed.near.close()
            throw Reason()
        }
        try reactor.look()
        bench.expectEqual(failures, 4)
        try reactor.look()
        bench.expectEqual(failures, 4)
        bench.expectEqual(calls, 1)
        bench.expectEqual(reactor.readers, [replaced.near.descriptor])
    }

    static func addedAgain(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let handler = RecordingHandler(sockets.near)
        handler.onReadable = { throw Reason() }
        handler.onDisconnected = { _ in
            do {
                try reactor.addReader(sockets.near.descriptor, handler)
            } catch {
                bench.record(error)
            }
        }
        try sockets.far.write("x")
        try reactor.addReader(sockets.near.descriptor, handler)
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(handler.told, ["readable", "not read any more", "readable", "not read any more"])
        bench.expectEqual(reactor.readers, [sockets.near.descriptor])
    }

    static func toldAtStop(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let quiet = try bench.pipe()
        let both = RecordingHandler(sockets.near)
        let idle = RecordingHandler(quiet.near)
        try reactor.addReader(sockets.near.descriptor, both)
        try reactor.addWriter(sockets.near.descriptor, both)
        try reactor.addReader(quiet.near.descriptor, idle)
        both.onWritable = { reactor.stop() }
        try reactor.runUntilStopped()
        bench.expectEqual(both.takeTold(), ["writable", "stopped"])
        bench.expectEqual(idle.takeTold(), ["stopped"])
        let handle = reactor.handle
        both.onWritable = {}
        reactor.removeWriter(sockets.near.descriptor)
        let stopper = try Background { handle.stop() }
        try reactor.runUntilStopped()
        try stopper.finish()
        bench.expectEqual(both.takeTold(), ["stopped"])
        bench.expectEqual(idle.takeTold(), ["stopped"])
        // A round by itself is no run.
        try reactor.look()
        reactor.stop()
        bench.expectEqual(idle.takeTold(), [])
        bench.expectEqual(reactor.readers.count, 2)
    }

    static func removedAtStop(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let ends = [try bench.pipe().near, try bench.pipe().near]
        let handlers = ends.map(RecordingHandler.init)
        for (index, handler) in handlers.enumerated() {
            try reactor.addReader(ends[index].descriptor, handler)
            handler.onStop = { reactor.removeReader(ends[1 - index].descriptor) }
        }
        reactor.handle.stop()
        try reactor.runUntilStopped()
        bench.expectEqual(handlers.flatMap(\.told), ["stopped"])
        bench.expectEqual(reactor.readers.count, 1)
    }

    static func nestedRuns(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        let handler = RecordingHandler(pipe.near)
        try reactor.addReader(pipe.near.descriptor, handler)
        var steps: [String] = []
        reactor.addTimer(after: .zero) {
            do {
                reactor.addTimer(after: .zero) {
                    steps.append("inner")
                    reactor.stop()
                }
                try reactor.run()
                steps.append("inner run ended")
                // Those who are watched are told by the outermost run alone.
                bench.expectEqual(handler.told, [])
                reactor.addTimer(after: .zero) {
                    steps.append("outer")
                    reactor.stop()
                }
            } catch {
                bench.record(error)
            }
        }
        try reactor.runUntilStopped()
        bench.expectEqual(steps, ["inner", "inner run ended", "outer"])
        bench.expectEqual(handler.told, ["stopped"])
    }
}
