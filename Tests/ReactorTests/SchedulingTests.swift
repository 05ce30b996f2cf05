import Reactor
import Syscalls
import TestSupport
import Testing

@Suite("Work from other threads")
struct SchedulingTests {
    private let bench = Workbench()

    @Test("jobs run on the reactor's thread in the order in which they were scheduled", arguments: Backend.all)
    func order(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let handle = reactor.handle
        let ran = Lock<[Int]>([])
        let scheduler = try Background {
            for index in 0..<1000 { handle.schedule { _ in ran.withLock { $0.append(index) } } }
            handle.stop()
        }
        try reactor.runUntilStopped()
        try scheduler.get()
        #expect(ran.withLock { $0 } == Array(0..<1000))
    }

    @Test("a job that comes while the reactor waits wakes it, each time", arguments: Backend.all)
    func wakeUp(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
        try scheduler.get()
    }

    @Test("a hundred thousand jobs of four threads all run, each thread's in their order", arguments: Backend.all)
    func contention(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
        for thread in [0, 1, 2, 3] { #expect(next.withLock { $0[thread] } == 25_000) }
        #expect(disorder.value == 0)
        try first.get()
        try second.get()
        try third.get()
        try fourth.get()
    }

    @Test("jobs that schedule jobs without end leave room for descriptors and timers", arguments: Backend.all)
    func endlessJobs(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
        #expect(counter.value > 1)
    }

    @Test("a job may be scheduled before the reactor runs, and stop it", arguments: Backend.all)
    func scheduledBefore(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        reactor.handle.stop()
        try reactor.runUntilStopped()
    }

    @Test("run returns after the handler that stops it, and can be called again", arguments: Backend.all)
    func stopInHandler(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var told: [String] = []
        try reactor.addReader(pipe.near.descriptor) { _ in
            told.append("reader")
            reactor.stop()
        }
        try reactor.runUntilStopped()
        #expect(told == ["reader"])
        try reactor.runUntilStopped()
        #expect(told == ["reader", "reader"])
        reactor.removeReader(pipe.near.descriptor)
        reactor.addTimer(after: .milliseconds(1)) {
            told.append("timer")
            reactor.stop()
        }
        try reactor.runUntilStopped()
        #expect(told == ["reader", "reader", "timer"])
    }

    @Test("another thread stops a reactor that waits, as often as it runs", arguments: Backend.all)
    func stopFromThread(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let handle = reactor.handle
        for _ in 0..<200 {
            let stopper = try Background { handle.stop() }
            try reactor.runUntilStopped()
            try stopper.get()
        }
    }

    @Test("a handle that outlives its reactor is of no use and no harm", arguments: Backend.all)
    func outlived(backend: Backend) throws {
        let handle = try Reactor(backend: backend.type).handle
        handle.schedule { _ in Issue.record("it ran") }
        handle.stop()
    }

    @Test("jobs keep their order when one of them runs the reactor", arguments: Backend.all)
    func nestedJobs(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
                Issue.record(error)
            }
        }
        handle.schedule { _ in ran.withLock { $0.append("second") } }
        try reactor.look()
        #expect(ran.withLock { $0 } == ["first", "second", "third"])
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
