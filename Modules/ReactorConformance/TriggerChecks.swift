import Reactor
import Syscalls

extension ConformanceCheck {
    /// Edge-triggered and one-shot, on request.
    static let triggerChecks = [
        ConformanceCheck(
            "an edge is told once, and the next one again; or the backend says that it has none, and nothing changes",
            TriggerChecks.edge),
        ConformanceCheck(
            "what is ready when it is added is an edge",
            TriggerChecks.edgeBefore),
        ConformanceCheck(
            "a one-shot is told once, and again when it is added again",
            TriggerChecks.oneShot),
        ConformanceCheck(
            "a one-shot may be added again by its own handler",
            TriggerChecks.oneShotAgain),
        ConformanceCheck(
            "a one-shot in one direction leaves that in the other to be told",
            TriggerChecks.oneShotBoth),
        ConformanceCheck(
            "a one-shot that was told can be removed, and its number watched for another file",
            TriggerChecks.oneShotReused),
        ConformanceCheck(
            "a hang-up is told to a one-shot once",
            TriggerChecks.oneShotHangUp),
        ConformanceCheck(
            "reader and writer of a descriptor have one trigger, and another one is refused with nothing changed",
            TriggerChecks.mixed),
        ConformanceCheck(
            "a backend reports a one-shot once, and again after each change",
            TriggerChecks.backendOneShot),
    ]
}

private enum TriggerChecks {
    /// Adds a reader for edges; false when the backend has none.
    private static func addEdgeReader(
        _ descriptor: FileDescriptor, to reactor: Reactor, _ bench: Workbench, _ body: @escaping () -> Void
    ) throws -> Bool {
        do throws(Errno) {
            try reactor.addReader(descriptor, trigger: .edge) { _ in body() }
            return true
        } catch {
            guard error == .notSupported else { throw error }
            bench.expectEqual(reactor.readers, [])
            // Nothing is left behind: it can be watched in the other way.
            try reactor.addReader(descriptor) { _ in }
            try reactor.look()
            reactor.removeReader(descriptor)
            return false
        }
    }

    static func edge(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        var calls = 0
        guard try addEdgeReader(sockets.near.descriptor, to: reactor, bench, { calls += 1 }) else { return }
        for expected in 1...3 {
            try sockets.far.write("x")
            for _ in 1...3 { try reactor.look() }
            bench.expectEqual(calls, expected)
        }
        bench.expectEqual(try sockets.near.read(), "xxx")
        try reactor.look()
        bench.expectEqual(calls, 3)
        try sockets.closeFar()
        try reactor.look()
        bench.expectEqual(calls, 4)
    }

    static func edgeBefore(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        try sockets.far.write("x")
        var calls = 0
        guard try addEdgeReader(sockets.near.descriptor, to: reactor, bench, { calls += 1 }) else { return }
        for _ in 1...3 { try reactor.look() }
        bench.expectEqual(calls, 1)
        // Added again, it is told of again.
        _ = try addEdgeReader(sockets.near.descriptor, to: reactor, bench) { calls += 1 }
        try reactor.look()
        bench.expectEqual(calls, 2)
    }

    static func oneShot(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        var calls = 0
        for round in 1...3 {
            try reactor.addReader(sockets.near.descriptor, trigger: .oneShot) { _ in calls += 1 }
            bench.expectEqual(reactor.readers, [sockets.near.descriptor])
            if round == 1 {
                try reactor.look()
                bench.expectEqual(calls, 0)
                try sockets.far.write("x")
            }
            try reactor.look()
            bench.expectEqual(calls, round)
            bench.expectEqual(reactor.readers, [])
            try sockets.far.write("more")
            try reactor.look()
            bench.expectEqual(calls, round)
        }
        // And as any other afterwards.
        try reactor.addReader(sockets.near.descriptor) { _ in calls += 1 }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(calls, 5)
    }

    static func oneShotAgain(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        try sockets.far.write("x")
        var calls = 0
        func add() throws {
            try reactor.addReader(sockets.near.descriptor, trigger: .oneShot) { _ in
                calls += 1
                if calls < 3 { try add() }
            }
        }
        try add()
        for round in 1...5 {
            try reactor.look()
            bench.expectEqual(calls, min(round, 3))
        }
        bench.expectEqual(reactor.readers, [])
    }

    static func oneShotBoth(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        let count = try sockets.near.fill()
        var told: [String] = []
        try reactor.addReader(descriptor, trigger: .oneShot) { _ in told.append("reader") }
        try reactor.addWriter(descriptor, trigger: .oneShot) { _ in told.append("writer") }
        try sockets.far.write("x")
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told, ["reader"])
        bench.expectEqual(reactor.writers, [descriptor])
        _ = try sockets.far.descriptor.readExactly(count)
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told, ["reader", "writer"])
        bench.expectEqual(reactor.readers + reactor.writers, [])
        // Both at once.
        told = []
        try reactor.addReader(descriptor, trigger: .oneShot) { _ in told.append("reader") }
        try reactor.addWriter(descriptor, trigger: .oneShot) { _ in told.append("writer") }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told, ["reader", "writer"])
    }

    static func oneShotReused(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let old = try bench.sockets()
        let new = try bench.sockets()
        try old.far.write("x")
        var told: [String] = []
        try reactor.addReader(old.near.descriptor, trigger: .oneShot) { _ in told.append("old") }
        try reactor.look()
        reactor.removeReader(old.near.descriptor)
        try old.near.becomeDuplicate(of: new.near)
        try reactor.addReader(old.near.descriptor) { _ in told.append("new") }
        try reactor.look()
        bench.expectEqual(told, ["old"])
        try new.far.write("x")
        try reactor.look()
        bench.expectEqual(told, ["old", "new"])
    }

    static func oneShotHangUp(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        var told: [Readiness] = []
        try reactor.addReader(pipe.near.descriptor, trigger: .oneShot) { told.append($0) }
        try pipe.closeFar()
        for _ in 1...3 { try reactor.look() }
        bench.expectEqual(told.count, 1)
    }

    static func mixed(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        var told: [String] = []
        try reactor.addReader(descriptor) { _ in told.append("reader") }
        for trigger in [Trigger.edge, .oneShot] {
            bench.expect(throws: .invalidArgument) {
                try reactor.addWriter(descriptor, trigger: trigger) { _ in told.append("writer") }
            }
        }
        bench.expectEqual(reactor.writers, [])
        try sockets.far.write("x")
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told, ["reader", "reader"])
    }

    static func backendOneShot(_ bench: Workbench) throws {
        let backend = try bench.makeBackend()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        func wait() throws -> [ReadinessEvent] {
            var events: [ReadinessEvent] = []
            try backend.wait(timeout: .zero, into: &events)
            return events
        }
        try backend.register(descriptor, interest: [.writable, .oneShot], token: 1)
        bench.expectEqual(try wait(), [ReadinessEvent(token: 1, readiness: .writable)])
        bench.expectEqual(try wait(), [])
        bench.expect(throws: .fileExists) { try backend.register(descriptor, interest: .readable, token: 9) }
        try backend.modify(descriptor, interest: [.writable, .oneShot], token: 2)
        bench.expectEqual(try wait(), [ReadinessEvent(token: 2, readiness: .writable)])
        try sockets.closeFar()
        bench.expectEqual(try wait(), [])
        backend.deregister(descriptor)
        backend.deregister(descriptor)
        try backend.register(descriptor, interest: .readable, token: 3)
        bench.expectEqual(try wait().map(\.token), [3])
    }
}
