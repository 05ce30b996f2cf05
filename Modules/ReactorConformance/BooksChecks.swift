import Reactor
import Syscalls

extension ConformanceCheck {
    /// The books of a reactor.
    static let booksChecks = [
        ConformanceCheck(
            "a number that names nothing is an error, and changes nothing",
            BooksChecks.notOpen),
        ConformanceCheck(
            "what is not watched is removed without harm",
            BooksChecks.removedWithoutBeingWatched),
        ConformanceCheck(
            "a regular file is always ready",
            BooksChecks.regularFile),
        ConformanceCheck(
            "a change that the kernel refuses leaves what was there before",
            BooksChecks.refusedChange),
        ConformanceCheck(
            "one closed without being removed disturbs nobody, and can be removed late",
            BooksChecks.closedWithoutBeingRemoved),
        ConformanceCheck(
            "a file that is open elsewhere does not keep the loop busy after its watched number was closed",
            BooksChecks.openElsewhere),
        ConformanceCheck(
            "removeAll gives back what it removes, and leaves the reactor its waker and its timers",
            BooksChecks.removeAll),
        ConformanceCheck(
            "a number that was closed without being removed is watched anew for whatever file it names then",
            BooksChecks.registeredAnew),
        ConformanceCheck(
            "a number that was closed without being removed is watched anew for the other direction",
            BooksChecks.registeredAnewForWriting),
        ConformanceCheck(
            "the lists name each watched descriptor once, whatever was added and removed before",
            BooksChecks.lists),
        ConformanceCheck(
            "more descriptors than fit into one report are all served, none twice before another once",
            BooksChecks.manyReady),
        ConformanceCheck(
            "many descriptors, each ready once, are each told once",
            BooksChecks.manyOnce),
    ]
}

private enum BooksChecks {

    static func notOpen(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        for descriptor in try unopenDescriptors() {
            bench.expect(throws: Errno.badFileDescriptor) {
                try reactor.addReader(descriptor) { _ in bench.record("it was told") }
            }
            bench.expect(throws: Errno.badFileDescriptor) {
                try reactor.addWriter(descriptor) { _ in bench.record("it was told") }
            }
        }
        bench.expect(reactor.readers == [] && reactor.writers == [])
        try reactor.look()
    }

    static func removedWithoutBeingWatched(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        var told: [String] = []
        try reactor.addReader(sockets.near.descriptor) { _ in told.append("reader") }
        for descriptor in try unopenDescriptors() + [sockets.far.descriptor] {
            reactor.removeReader(descriptor)
            reactor.removeWriter(descriptor)
        }
        reactor.removeWriter(sockets.near.descriptor)
        bench.expectEqual(reactor.readers, [sockets.near.descriptor])
        try sockets.far.write("x")
        try reactor.look()
        bench.expectEqual(told, ["reader"])
    }

    static func regularFile(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let file = try bench.regularFile().descriptor
        let pipe = try bench.pipe()
        var told: [String] = []
        try reactor.addReader(file) { _ in told.append("reader") }
        try reactor.addWriter(file) { _ in told.append("writer") }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told, ["reader", "writer", "reader", "writer"])
        bench.expectEqual(reactor.readers, [file])
        // Others are told of beside it, and time goes on.
        told = []
        try pipe.far.write("x")
        try reactor.addReader(pipe.near.descriptor) { _ in told.append("pipe") }
        reactor.removeReader(file)
        reactor.addTimer(after: .zero) { told.append("timer") }
        try reactor.look()
        bench.expectEqual(told.sorted(), ["pipe", "timer", "writer"])
        reactor.removeWriter(file)
        told = []
        try reactor.look()
        bench.expectEqual(told, ["pipe"])
        bench.expectEqual(reactor.writers, [])
        // Once, where that is asked for.
        told = []
        try reactor.addWriter(file, trigger: .oneShot) { _ in told.append("writer") }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told.filter { $0 == "writer" }, ["writer"])
    }

    static func refusedChange(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let end = try duplicateAtPrivateNumber(sockets.near.descriptor)
        try reactor.addReader(end.descriptor) { _ in }
        end.close()
        bench.expect(throws: Errno.badFileDescriptor) { try reactor.addWriter(end.descriptor) { _ in } }
        bench.expect(throws: Errno.badFileDescriptor) { try reactor.addReader(end.descriptor) { _ in } }
        bench.expect(reactor.readers == [end.descriptor] && reactor.writers == [])
        reactor.removeReader(end.descriptor)
        bench.expectEqual(reactor.readers, [])
    }

    static func closedWithoutBeingRemoved(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let pipe = try bench.pipe()
        let end = try duplicateAtPrivateNumber(pipe.near.descriptor)
        pipe.near.close()
        var failures: [HandlerFailure] = []
        reactor.reportFailure = { failures.append($0) }
        var calls = 0
        try reactor.addReader(end.descriptor) { _ in bench.record("it was told") }
        try reactor.addReader(sockets.near.descriptor) { _ in calls += 1 }
        end.close()
        try sockets.far.write("x")
        for _ in 1...2 { try reactor.look() }
        bench.expect(calls >= 1)
        // Not every kernel interface tells. Those that do: once, with the reason.
        for failure in failures {
            bench.expectEqual(failure.descriptor, end.descriptor)
            bench.expectEqual(failure.direction, .readable)
            bench.expectEqual(failure.reason as? Errno, .badFileDescriptor)
        }
        bench.expect(failures.count <= 1)
        reactor.removeReader(end.descriptor)
        calls = 0
        try reactor.look()
        bench.expectEqual(calls, 1)
        bench.expectEqual(reactor.readers, [sockets.near.descriptor])
    }

    static func openElsewhere(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let end = try duplicateAtPrivateNumber(sockets.near.descriptor)
        try sockets.far.write("x")
        reactor.reportFailure = { bench.expectEqual($0.reason as? Errno, .badFileDescriptor) }
        try reactor.addReader(end.descriptor) { _ in _ = try end.descriptor.read(upTo: 1) }
        var calls = 0
        let other = try bench.pipe()
        try reactor.addReader(other.near.descriptor) { _ in
            calls += 1
            _ = try other.near.read()
        }
        end.close()
        for _ in 1...3 { try reactor.look() }
        // A kernel that forgets a closed number by itself, as kqueue(2) does, tells nobody: then it is left on the books.
        bench.expect(Set(reactor.readers).subtracting([end.descriptor]) == [other.near.descriptor])
        // A kernel interface that goes on reporting the file would end each wait at once.
        let deadline = Deadline.after(.milliseconds(20))
        try reactor.runOnce(timeout: .milliseconds(20))
        bench.expect(deadline.hasPassed)
        // Whatever that took, the others are watched as before.
        try other.far.write("x")
        try reactor.look()
        bench.expectEqual(calls, 1)
        let ran = Counter()
        reactor.handle.schedule { _ in ran.add() }
        try reactor.run { ran.value == 1 }
    }

    static func removeAll(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let pipe = try bench.pipe()
        let handler = RecordingHandler(sockets.near)
        try reactor.addReader(sockets.near.descriptor, handler)
        try reactor.addWriter(sockets.near.descriptor, handler)
        try reactor.addReader(pipe.near.descriptor) { _ in bench.record("it was told") }
        var isDue = false
        reactor.addTimer(after: .milliseconds(1)) { isDue = true }
        try sockets.far.write("x")
        try pipe.far.write("x")
        let removed = reactor.removeAll().sorted { $0.descriptor.rawValue < $1.descriptor.rawValue }
        bench.expectEqual(
            removed.map(\.descriptor),
            [sockets.near.descriptor, pipe.near.descriptor].sorted { $0.rawValue < $1.rawValue })
        bench.expectEqual(reactor.readers + reactor.writers, [])
        let both = removed.first { $0.descriptor == sockets.near.descriptor }
        bench.expect(both?.reader === handler && both?.writer === handler)
        let reading = removed.first { $0.descriptor == pipe.near.descriptor }
        bench.expect(reading?.reader != nil && reading?.writer == nil)
        bench.expectEqual(reactor.removeAll().count, 0)
        // The waker and the timers are still there.
        let ran = Counter()
        reactor.handle.schedule { _ in ran.add() }
        try reactor.run { isDue && ran.value == 1 }
        bench.expectEqual(handler.told, [])
        // What came back can be added again.
        try reactor.addReader(sockets.near.descriptor, handler)
        try reactor.look()
        bench.expectEqual(handler.told, ["readable"])
    }

    static func registeredAnew(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let old = try bench.pipe()
        let new = try bench.pipe()
        var told: [String] = []
        try reactor.addReader(old.near.descriptor) { _ in told.append("old") }
        try old.near.becomeDuplicate(of: new.near)
        try reactor.addReader(old.near.descriptor) { _ in told.append("new") }
        try reactor.look()
        bench.expectEqual(told, [])
        try new.far.write("x")
        try reactor.look()
        bench.expectEqual(told, ["new"])
        bench.expectEqual(reactor.readers, [old.near.descriptor])
        reactor.removeReader(old.near.descriptor)
        try reactor.look()
        bench.expectEqual(told, ["new"])
    }

    static func registeredAnewForWriting(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let old = try bench.sockets()
        let new = try bench.sockets()
        var told: [String] = []
        try reactor.addReader(old.near.descriptor) { _ in told.append("old") }
        try old.near.becomeDuplicate(of: new.near)
        try reactor.addWriter(old.near.descriptor) { _ in told.append("new") }
        try reactor.look()
        bench.expectEqual(told, ["new"])
        bench.expectEqual(reactor.writers, [old.near.descriptor])
        reactor.removeReader(old.near.descriptor)
        reactor.removeWriter(old.near.descriptor)
        try reactor.look()
        bench.expectEqual(told, ["new"])
        bench.expect(reactor.readers == [] && reactor.writers == [])
    }

    static func lists(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
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
            bench.expectEqual(reactor.readers, readers.sorted { $0.rawValue < $1.rawValue })
            bench.expectEqual(reactor.writers, writers.sorted { $0.rawValue < $1.rawValue })
        }
    }

    static func manyReady(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
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
        bench.expect(calls.allSatisfy { $0 >= 1 })
        bench.expect(isScheduledRun && isTimerRun)
        for _ in 1...40 { try reactor.look() }
        bench.expect(calls.max()! - calls.min()! <= 2)
    }

    /// Schedules work that may touch what the test holds: it runs on this thread.
    private static func confirmJob(in reactor: Reactor, _ body: @escaping () -> Void) throws {
        // Sound: `schedule` demands it because its callers are other threads; here there is one.
        nonisolated(unsafe) let body = body
        reactor.handle.schedule { _ in body() }
    }

    static func manyOnce(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
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
        bench.expect(calls.allSatisfy { $0 == 1 })
    }
}
