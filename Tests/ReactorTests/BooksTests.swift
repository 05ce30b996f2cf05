import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("The books of a reactor")
struct BooksTests {
    private let bench = Workbench()

    @Test("a number that names nothing is an error, and changes nothing", arguments: Backend.all)
    func notOpen(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        for descriptor in try unopenDescriptors() {
            #expect(throws: Errno.badFileDescriptor) { try reactor.addReader(descriptor) { _ in Issue.record() } }
            #expect(throws: Errno.badFileDescriptor) { try reactor.addWriter(descriptor) { _ in Issue.record() } }
        }
        #expect(reactor.readers == [] && reactor.writers == [])
        try reactor.look()
    }

    @Test("what is not watched is removed without harm", arguments: Backend.all)
    func removedWithoutBeingWatched(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        var told: [String] = []
        try reactor.addReader(sockets.near.descriptor) { _ in told.append("reader") }
        for descriptor in try unopenDescriptors() + [sockets.far.descriptor] {
            reactor.removeReader(descriptor)
            reactor.removeWriter(descriptor)
        }
        reactor.removeWriter(sockets.near.descriptor)
        #expect(reactor.readers == [sockets.near.descriptor])
        try sockets.far.write("x")
        try reactor.look()
        #expect(told == ["reader"])
    }

    @Test("a regular file is always ready, or refused with nothing changed", arguments: Backend.all)
    func regularFile(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let directory = try TemporaryDirectory()
        let file = try directory.create("file")
        var calls = 0
        if backend.type.name == "epoll" {
            #expect(throws: Errno.notPermitted) { try reactor.addReader(file.descriptor) { _ in calls += 1 } }
            #expect(throws: Errno.notPermitted) { try reactor.addWriter(file.descriptor) { _ in calls += 1 } }
            #expect(reactor.readers == [] && reactor.writers == [])
            try reactor.look()
            #expect(calls == 0)
        } else {
            try reactor.addReader(file.descriptor) { _ in calls += 1 }
            try reactor.addWriter(file.descriptor) { _ in calls += 1 }
            try reactor.look()
            #expect(calls == 2)
        }
    }

    @Test("a change that the kernel refuses leaves what was there before", arguments: Backend.all)
    func refusedChange(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        let end = try duplicateAtPrivateNumber(sockets.near.descriptor)
        try reactor.addReader(end.descriptor) { _ in }
        end.close()
        #expect(throws: Errno.badFileDescriptor) { try reactor.addWriter(end.descriptor) { _ in } }
        #expect(throws: Errno.badFileDescriptor) { try reactor.addReader(end.descriptor) { _ in } }
        #expect(reactor.readers == [end.descriptor] && reactor.writers == [])
        reactor.removeReader(end.descriptor)
        #expect(reactor.readers == [])
    }

    @Test("one closed without being removed disturbs nobody, and can be removed late", arguments: Backend.all)
    func closedWithoutBeingRemoved(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        let pipe = try bench.pipe()
        let end = try duplicateAtPrivateNumber(pipe.near.descriptor)
        pipe.near.close()
        var told: [Readiness] = []
        var calls = 0
        try reactor.addReader(end.descriptor) { told.append($0) }
        try reactor.addReader(sockets.near.descriptor) { _ in calls += 1 }
        end.close()
        try sockets.far.write("x")
        try reactor.look()
        #expect(calls == 1)
        // Not every kernel interface tells. Those that do, tell it as this and nothing else.
        #expect(told.allSatisfy { $0 == .invalid })
        reactor.removeReader(end.descriptor)
        told = []
        try reactor.look()
        #expect(calls == 2)
        #expect(told == [])
        #expect(reactor.readers == [sockets.near.descriptor])
    }

    @Test(
        "a number that was closed without being removed is watched anew for whatever file it names then",
        arguments: Backend.all)
    func registeredAnew(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let old = try bench.pipe()
        let new = try bench.pipe()
        var told: [String] = []
        try reactor.addReader(old.near.descriptor) { _ in told.append("old") }
        try old.near.becomeDuplicate(of: new.near)
        try reactor.addReader(old.near.descriptor) { _ in told.append("new") }
        try reactor.look()
        #expect(told == [])
        try new.far.write("x")
        try reactor.look()
        #expect(told == ["new"])
        #expect(reactor.readers == [old.near.descriptor])
        reactor.removeReader(old.near.descriptor)
        try reactor.look()
        #expect(told == ["new"])
    }

    @Test(
        "a number that was closed without being removed is watched anew for the other direction", arguments: Backend.all
    )
    func registeredAnewForWriting(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let old = try bench.sockets()
        let new = try bench.sockets()
        var told: [String] = []
        try reactor.addReader(old.near.descriptor) { _ in told.append("old") }
        try old.near.becomeDuplicate(of: new.near)
        try reactor.addWriter(old.near.descriptor) { _ in told.append("new") }
        try reactor.look()
        #expect(told == ["new"])
        #expect(reactor.writers == [old.near.descriptor])
        reactor.removeReader(old.near.descriptor)
        reactor.removeWriter(old.near.descriptor)
        try reactor.look()
        #expect(told == ["new"])
        #expect(reactor.readers == [] && reactor.writers == [])
    }

    @Test("the lists name each watched descriptor once, whatever was added and removed before", arguments: Backend.all)
    func lists(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try (0..<20).map { _ in try bench.sockets().near }
        var generator = SeededGenerator(seed: 20)
        var readers: Set<FileDescriptor> = []
        var writers: Set<FileDescriptor> = []
        for _ in 0..<2000 {
            let descriptor = sockets.randomElement(using: &generator)!.descriptor
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                try reactor.addReader(descriptor) { _ in }
                readers.insert(descriptor)
            case 1:
                try reactor.addWriter(descriptor) { _ in }
                writers.insert(descriptor)
            case 2:
                reactor.removeReader(descriptor)
                readers.remove(descriptor)
            default:
                reactor.removeWriter(descriptor)
                writers.remove(descriptor)
            }
            #expect(reactor.readers == readers.sorted { $0.rawValue < $1.rawValue })
            #expect(reactor.writers == writers.sorted { $0.rawValue < $1.rawValue })
        }
    }

    @Test(
        "more descriptors than fit into one report are all served, none twice before another once",
        arguments: Backend.all)
    func manyReady(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        let ends = try (0..<400).map { _ in try bench.duplicate(of: pipe.near) }
        var calls = Array(repeating: 0, count: ends.count)
        for (index, end) in ends.enumerated() {
            try reactor.addReader(end.descriptor) { _ in calls[index] += 1 }
        }
        var isScheduledRun = false
        var isTimerRun = false
        reactor.addTimer(after: .zero) { isTimerRun = true }
        try confirmJob(in: reactor) { isScheduledRun = true }
        // All of them stay ready. With 256 a round, two rounds reach each of them once; the reactor's own takes a place too.
        for _ in 1...4 { try reactor.look() }
        #expect(calls.allSatisfy { $0 >= 1 })
        #expect(isScheduledRun && isTimerRun)
        for _ in 1...40 { try reactor.look() }
        #expect(calls.max()! - calls.min()! <= 2, "\(calls.min()!) to \(calls.max()!) calls")
    }

    /// Schedules work that may touch what the test holds: it runs on this thread.
    private func confirmJob(in reactor: Reactor, _ body: @escaping () -> Void) throws {
        // Sound: `schedule` demands it because its callers are other threads; here there is one.
        nonisolated(unsafe) let body = body
        reactor.handle.schedule { _ in body() }
    }

    @Test("many descriptors, each ready once, are each told once", arguments: Backend.all)
    func manyOnce(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let channels = try (0..<150).map { _ in try bench.sockets() }
        var calls = Array(repeating: 0, count: channels.count * 2)
        for (index, end) in channels.flatMap({ [$0.near, $0.far] }).enumerated() {
            try end.write("x")
            try reactor.addReader(end.descriptor) { _ in
                calls[index] += 1
                _ = try? end.read()
            }
        }
        for _ in 1...4 { try reactor.look() }
        #expect(calls.allSatisfy { $0 == 1 })
    }
}
