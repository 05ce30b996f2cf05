import Reactor
import Syscalls
import TestSupport
import Testing

/// What a backend promises to the reactor above it.
@Suite("Backends by themselves")
struct BackendTests {
    private let bench = Workbench()

    private func wait(_ backend: any ReactorBackend) throws -> [UInt64: Readiness] {
        var events: [ReadinessEvent] = []
        try backend.wait(timeout: .zero, into: &events)
        return Dictionary(uniqueKeysWithValues: events.map { ($0.token, $0.readiness) })
    }

    @Test("a backend is found by its name, the best is the default")
    func names() throws {
        #expect(!ReactorBackends.all.isEmpty)
        for type in ReactorBackends.all {
            #expect(ReactorBackends.named(type.name) == type)
            #expect(try Reactor(backend: type).backendName == type.name)
            #expect(type.name == type.name.lowercased())
        }
        #expect(ReactorBackends.named("select") == nil)
        #expect(try Reactor().backendName == ReactorBackends.all[0].name)
        #if os(Linux)
            #expect(ReactorBackends.all.map { $0.name } == ["epoll", "poll"])
        #endif
    }

    @Test("an event carries the token of the last registration or change", arguments: Backend.all)
    func tokens(backend: Backend) throws {
        let backend = try backend.type.init()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        try backend.register(descriptor, interest: .writable, token: .max)
        #expect(try wait(backend) == [.max: .writable])
        try backend.modify(descriptor, interest: .readable, token: 0)
        #expect(try wait(backend) == [:])
        try sockets.far.write("x")
        #expect(try wait(backend) == [0: .readable])
        try backend.modify(descriptor, interest: [.readable, .writable], token: 1 << 63)
        #expect(try wait(backend) == [1 << 63: [.readable, .writable]])
        backend.deregister(descriptor)
        #expect(try wait(backend) == [:])
    }

    @Test("a descriptor is registered once, and changed only while it is registered", arguments: Backend.all)
    func misuse(backend: Backend) throws {
        let backend = try backend.type.init()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try backend.modify(descriptor, interest: .readable, token: 1)
        }
        backend.deregister(descriptor)
        try backend.register(descriptor, interest: .writable, token: 1)
        #expect(throws: Errno.fileExists) { try backend.register(descriptor, interest: .readable, token: 2) }
        #expect(try wait(backend) == [1: .writable])
        backend.deregister(descriptor)
        backend.deregister(descriptor)
        try backend.register(descriptor, interest: .writable, token: 3)
        #expect(try wait(backend) == [3: .writable])
    }

    @Test(
        "a closed descriptor is neither registered nor changed, and is deregistered without harm",
        arguments: Backend.all)
    func closed(backend: Backend) throws {
        let backend = try backend.type.init()
        let sockets = try bench.sockets()
        let end = try duplicateAtPrivateNumber(sockets.near.descriptor)
        try backend.register(end.descriptor, interest: .readable, token: 1)
        end.close()
        #expect(throws: Errno.badFileDescriptor) { try backend.modify(end.descriptor, interest: .writable, token: 1) }
        backend.deregister(end.descriptor)
        #expect(throws: Errno.badFileDescriptor) { try backend.register(end.descriptor, interest: .readable, token: 1) }
    }

    @Test("a wait for nothing ends when its time has passed, not before", arguments: Backend.all)
    func timeout(backend: Backend) throws {
        let backend = try backend.type.init()
        var events: [ReadinessEvent] = []
        for timeout in [Duration.zero, .nanoseconds(1), .microseconds(300), .milliseconds(3)] {
            let deadline = Deadline.after(timeout)
            try backend.wait(timeout: timeout, into: &events)
            #expect(deadline.hasPassed)
            #expect(events.isEmpty)
        }
    }

    @Test("removing any of many leaves the others with their tokens", arguments: Backend.all)
    func manyTokens(backend: Backend) throws {
        let backend = try backend.type.init()
        let sockets = try bench.sockets()
        let ends = try (0..<50).map { _ in try bench.duplicate(of: sockets.near) }
        var expected: [UInt64: Readiness] = [:]
        for (token, end) in ends.enumerated() {
            try backend.register(end.descriptor, interest: .writable, token: UInt64(token))
            expected[UInt64(token)] = .writable
        }
        var generator = SeededGenerator(seed: 50)
        for (token, end) in ends.enumerated().shuffled(using: &generator) {
            #expect(try wait(backend) == expected)
            backend.deregister(end.descriptor)
            expected[UInt64(token)] = nil
        }
        #expect(try wait(backend) == [:])
    }
}
