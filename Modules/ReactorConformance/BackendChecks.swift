import Reactor
import Syscalls

extension ConformanceCheck {
    /// What a backend promises to the reactor above it.
    static let backendChecks = [
        ConformanceCheck(
            "a backend that is created anew watches nothing, and watches again what is registered",
            BackendChecks.createdAnew),
        ConformanceCheck(
            "an event carries the token of the last registration or change",
            BackendChecks.tokens),
        ConformanceCheck(
            "a descriptor is registered once, and changed only while it is registered",
            BackendChecks.misuse),
        ConformanceCheck(
            "a closed descriptor is neither registered nor changed, and is deregistered without harm",
            BackendChecks.closed),
        ConformanceCheck(
            "a wait for nothing ends when its time has passed, not before",
            BackendChecks.timeout),
        ConformanceCheck(
            "removing any of many leaves the others with their tokens",
            BackendChecks.manyTokens),
    ]
}

private enum BackendChecks {

    private static func wait(_ backend: any ReactorBackend) throws -> [UInt64: Readiness] {
        var events: [ReadinessEvent] = []
        try backend.wait(timeout: .zero, into: &events)
        return Dictionary(uniqueKeysWithValues: events.map { ($0.token, $0.readiness) })
    }

    static func createdAnew(_ bench: Workbench) throws {
        let backend = try bench.makeBackend()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        for round in 1...3 as ClosedRange<UInt64> {
            try backend.register(descriptor, interest: .writable, token: round)
            bench.expectEqual(try wait(backend), [round: .writable])
            try backend.recreate()
            bench.expectEqual(try wait(backend), [:])
            bench.expect(throws: .noSuchFileOrDirectory) {
                try backend.modify(descriptor, interest: .writable, token: round)
            }
            backend.deregister(descriptor)
        }
    }

    static func tokens(_ bench: Workbench) throws {
        let backend = try bench.makeBackend()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        try backend.register(descriptor, interest: .writable, token: .max)
        try bench.expectEqual(wait(backend), [.max: .writable])
        try backend.modify(descriptor, interest: .readable, token: 0)
        try bench.expectEqual(wait(backend), [:])
        try sockets.far.write("x")
        try bench.expectEqual(wait(backend), [0: .readable])
        try backend.modify(descriptor, interest: [.readable, .writable], token: 1 << 63)
        try bench.expectEqual(wait(backend), [1 << 63: [.readable, .writable]])
        backend.deregister(descriptor)
        try bench.expectEqual(wait(backend), [:])
    }

    static func misuse(_ bench: Workbench) throws {
        let backend = try bench.makeBackend()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        bench.expect(throws: Errno.noSuchFileOrDirectory) {
            try backend.modify(descriptor, interest: .readable, token: 1)
        }
        backend.deregister(descriptor)
        try backend.register(descriptor, interest: .writable, token: 1)
        bench.expect(throws: Errno.fileExists) { try backend.register(descriptor, interest: .readable, token: 2) }
        try bench.expectEqual(wait(backend), [1: .writable])
        backend.deregister(descriptor)
        backend.deregister(descriptor)
        try backend.register(descriptor, interest: .writable, token: 3)
        try bench.expectEqual(wait(backend), [3: .writable])
    }

    static func closed(_ bench: Workbench) throws {
        let backend = try bench.makeBackend()
        let sockets = try bench.sockets()
        let end = try duplicateAtPrivateNumber(sockets.near.descriptor)
        try backend.register(end.descriptor, interest: .readable, token: 1)
        end.close()
        bench.expect(throws: Errno.badFileDescriptor) {
            try backend.modify(end.descriptor, interest: .writable, token: 1)
        }
        backend.deregister(end.descriptor)
        bench.expect(throws: Errno.badFileDescriptor) {
            try backend.register(end.descriptor, interest: .readable, token: 1)
        }
    }

    static func timeout(_ bench: Workbench) throws {
        let backend = try bench.makeBackend()
        var events: [ReadinessEvent] = []
        for timeout in [Duration.zero, .nanoseconds(1), .microseconds(300), .milliseconds(3)] {
            let deadline = Deadline.after(timeout)
            try wait(for: backend, until: deadline, into: &events)
            bench.expect(deadline.hasPassed)
            bench.expect(events.isEmpty)
        }
    }

    /// Waits on when a signal ends it, as a reactor does.
    private static func wait(
        for backend: any ReactorBackend, until deadline: Deadline, into events: inout [ReadinessEvent]
    ) throws(Errno) {
        do throws(Errno) {
            try backend.wait(timeout: deadline.remaining, into: &events)
        } catch {
            guard error == .interrupted else { throw error }
            try wait(for: backend, until: deadline, into: &events)
        }
    }

    static func manyTokens(_ bench: Workbench) throws {
        let backend = try bench.makeBackend()
        let sockets = try bench.sockets()
        let ends = try (0..<50).map { _ in try bench.duplicate(of: sockets.near) }
        var expected: [UInt64: Readiness] = [:]
        for (token, end) in ends.enumerated() {
            try backend.register(end.descriptor, interest: .writable, token: UInt64(token))
            expected[UInt64(token)] = .writable
        }
        var generator = SeededGenerator(seed: 50)
        for (token, end) in ends.enumerated().shuffled(using: &generator) {
            try bench.expectEqual(wait(backend), expected)
            backend.deregister(end.descriptor)
            expected[UInt64(token)] = nil
        }
        try bench.expectEqual(wait(backend), [:])
    }
}
