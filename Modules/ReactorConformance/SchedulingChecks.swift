import Reactor
import Syscalls

extension ConformanceCheck {
    /// Work from other threads.
    static let schedulingChecks = [
        ConformanceCheck(
            "jobs run on the reactor's thread in the order in which they were scheduled",
            SchedulingChecks.order),
        ConformanceCheck(
            "a job that comes while the reactor waits wakes it, each time",
            SchedulingChecks.wakeUp),
        ConformanceCheck(
            "a hundred thousand jobs of four threads all run, each thread's in their order",
            SchedulingChecks.contention),
        ConformanceCheck(
            "jobs that schedule jobs without end leave room for descriptors and timers",
            SchedulingChecks.endlessJobs),
        ConformanceCheck(
            "a job may be scheduled before the reactor runs, and stop it",
            SchedulingChecks.scheduledBefore),
        ConformanceCheck(
            "run returns after the handler that stops it, and can be called again",
            SchedulingChecks.stopInHandler),
        ConformanceCheck(
            "another thread stops a reactor that waits, as often as it runs",
            SchedulingChecks.stopFromThread),
        ConformanceCheck(
            "a handle that outlives its reactor is of no use and no harm",
            SchedulingChecks.outlived),
        ConformanceCheck(
            "jobs keep their order when one of them runs the reactor",
            SchedulingChecks.nestedJobs),
    ]
}

private enum SchedulingChecks {

    static func order(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let handle = reactor.handle
        let ran = Lock<[Int]>([])
        let scheduler = try Background {
            for index in 0..<1000 { handle.schedule { _ in ran.withLock { $0.append(index) } } }
            handle.stop()
        }
        try reactor.runUntilStopped()
        try scheduler.finish()
        bench.expectEqual(ran.withLock { $0 }, Array(0..<1000))
    }

    static func wakeUp(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let handle = reactor.handle
        let pipe = try Pipe()
        let (readEnd, writeEnd) = (pipe.readEnd.descriptor, pipe.writeEnd.descriptor)
        let counter = Counter()
        let scheduler = try Background {
            // Nothing else is scheduled until both have run: what wakes nobody stays where it is. The pause lets the
            // second meet the reactor anywhere on its way to the first.
            for round in 0..<5000 {
                handle.schedule { _ in try? writeEnd.writeAll("x") }
                for _ in 0..<round % 500 { counter.add() }
                handle.schedule { _ in try? writeEnd.writeAll("x") }
                _ = try readEnd.readExactly(2)
            }
            handle.stop()
        }
        try reactor.runUntilStopped()
        try scheduler.finish()
    }

    static func contention(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let handle = reactor.handle
        let next = Lock(Array(repeating: 0, count: 4))
        let disorder = Counter()
        @Sendable func schedule(_ thread: Int) {
            for index in 0..<25_000 {
                handle.schedule { reactor in
                    let isDone = next.withLock { next in
                        if next[thread] != index { disorder.add() }
                        next[thread] += 1
                        return next.allSatisfy { $0 == 25_000 }
                    }
                    if isDone { reactor.stop() }
                }
            }
        }
        let first = try Background { schedule(0) }
        let second = try Background { schedule(1) }
        let third = try Background { schedule(2) }
        let fourth = try Background { schedule(3) }
        try reactor.runUntilStopped()
        for thread in [0, 1, 2, 3] { bench.expectEqual(next.withLock { $0[thread] }, 25_000) }
        bench.expectEqual(disorder.value, 0)
        try first.finish()
        try second.finish()
        try third.finish()
        try fourth.finish()
    }

    static func endlessJobs(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var reads = 0
        var isDue = false
        try reactor.addReader(pipe.near.descriptor) { _ in reads += 1 }
        reactor.addTimer(after: .milliseconds(1)) { isDue = true }
        let counter = Counter()
        let job = EndlessJob(counter)
        job.run(in: reactor)
        try reactor.run { isDue && reads > 10 }
        bench.expect(counter.value > 1)
    }

    static func scheduledBefore(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        reactor.handle.stop()
        try reactor.runUntilStopped()
    }

    static func stopInHandler(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var told: [String] = []
        try reactor.addReader(pipe.near.descriptor) { _ in
            told.append("reader")
            reactor.stop()
        }
        try reactor.runUntilStopped()
        bench.expectEqual(told, ["reader"])
        try reactor.runUntilStopped()
        bench.expectEqual(told, ["reader", "reader"])
        reactor.removeReader(pipe.near.descriptor)
        reactor.addTimer(after: .milliseconds(1)) {
            told.append("timer")
            reactor.stop()
        }
        try reactor.runUntilStopped()
        bench.expectEqual(told, ["reader", "reader", "timer"])
    }

    static func stopFromThread(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let handle = reactor.handle
        for _ in 0..<200 {
            let stopper = try Background { handle.stop() }
            try reactor.runUntilStopped()
            try stopper.finish()
        }
    }

    static func outlived(_ bench: Workbench) throws {
        let handle = try Reactor(backend: bench.backend).handle
        let counter = Counter()
        handle.schedule { _ in counter.add() }
        handle.stop()
        bench.expectEqual(counter.value, 0)
    }

    static func nestedJobs(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let handle = reactor.handle
        let ran = Lock<[String]>([])
        let done = Counter()
        handle.schedule { reactor in
            ran.withLock { $0.append("first") }
            handle.schedule { _ in
                ran.withLock { $0.append("third") }
                done.add()
            }
            do {
                try reactor.run { done.value == 1 }
            } catch {
                ran.withLock { $0.append("\(error)") }
            }
        }
        handle.schedule { _ in ran.withLock { $0.append("second") } }
        try reactor.look()
        bench.expectEqual(ran.withLock { $0 }, ["first", "second", "third"])
    }
}

/// Work that schedules itself again.
private final class EndlessJob: Sendable {
    private let count: Counter

    init(_ count: Counter) {
        self.count = count
    }

    func run(in reactor: Reactor) {
        count.add()
        reactor.handle.schedule { [self] reactor in run(in: reactor) }
    }
}
