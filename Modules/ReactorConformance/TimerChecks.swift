import Reactor
import Syscalls

extension ConformanceCheck {
    /// Timers.
    static let timerChecks = [
        ConformanceCheck(
            "timers run in the order in which they are due, and none too early",
            TimerChecks.order),
        ConformanceCheck(
            "timers that are due at once run in the order in which they were added",
            TimerChecks.ties),
        ConformanceCheck(
            "a cancelled timer does not run, and cancelling it or one that has run again is no error",
            TimerChecks.cancelled),
        ConformanceCheck(
            "a timer's handler can cancel timers that are due with it, and its own",
            TimerChecks.cancelledInHandler),
        ConformanceCheck(
            "a repeating timer runs again and again until it is cancelled, never before its interval",
            TimerChecks.repeating),
        ConformanceCheck(
            "a repeating timer that was held up does not catch up",
            TimerChecks.noCatchingUp),
        ConformanceCheck(
            "a timer that repeats without an interval runs once a round, and others go on",
            TimerChecks.repeatingAtOnce),
        ConformanceCheck(
            "a timer that a timer adds waits for the next round, due or not",
            TimerChecks.addedInHandler),
        ConformanceCheck(
            "a hundred thousand timers are added and cancelled, and those that are left run",
            TimerChecks.manyTimers),
        ConformanceCheck(
            "time goes on while descriptors are always ready",
            TimerChecks.busy),
        ConformanceCheck(
            "a round ends at its timeout though timers are far away, or never due",
            TimerChecks.shorterTimeout),
        ConformanceCheck(
            "a timeout that has passed already only looks",
            TimerChecks.negativeTimeout),
    ]
}

private enum TimerChecks {

    static func order(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var generator = SeededGenerator(seed: 1)
        // When a timer is due lies between these two: the time passes while it is added.
        var bounds: [(earliest: Deadline, latest: Deadline)] = []
        var ran: [Int] = []
        for index in 0..<1000 {
            let delay = Duration.microseconds(Int.random(in: 0..<20_000, using: &generator))
            let earliest = Deadline.after(delay)
            reactor.addTimer(after: delay) {
                bench.expect(earliest.hasPassed)
                ran.append(index)
            }
            bounds.append((earliest, .after(delay)))
        }
        try reactor.run { ran.count == 1000 }
        bench.expectEqual(Set(ran).count, 1000)
        for (first, second) in zip(ran, ran.dropFirst()) {
            bench.expect(bounds[first].earliest <= bounds[second].latest)
        }
        try reactor.look()
        bench.expectEqual(ran.count, 1000)
    }

    static func ties(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var ran: [Int] = []
        for index in 0..<1000 {
            reactor.addTimer(after: index.isMultiple(of: 3) ? .seconds(-1) : .zero) { ran.append(index) }
        }
        try reactor.look()
        bench.expectEqual(ran, Array(0..<1000))
    }

    static func cancelled(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var ran: [String] = []
        let cancelled = reactor.addTimer(after: .zero) { ran.append("cancelled") }
        let kept = reactor.addTimer(after: .zero) { ran.append("kept") }
        reactor.cancelTimer(cancelled)
        reactor.cancelTimer(cancelled)
        try reactor.look()
        reactor.cancelTimer(kept)
        try reactor.look()
        bench.expectEqual(ran, ["kept"])
    }

    static func cancelledInHandler(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var ran: [String] = []
        var own: TimerID?
        var other: TimerID?
        own = reactor.addTimer(after: .zero, repeating: .zero) {
            ran.append("first")
            reactor.cancelTimer(own!)
            reactor.cancelTimer(other!)
        }
        other = reactor.addTimer(after: .zero) { ran.append("second") }
        reactor.addTimer(after: .zero) { ran.append("third") }
        for _ in 1...3 { try reactor.look() }
        bench.expectEqual(ran, ["first", "third"])
    }

    static func repeating(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var calls = 0
        var timer: TimerID?
        let start = Deadline.now
        timer = reactor.addTimer(after: .milliseconds(1), repeating: .milliseconds(2)) {
            bench.expect((start + .milliseconds(1 + 2 * calls)).hasPassed)
            calls += 1
            if calls == 5 { reactor.cancelTimer(timer!) }
        }
        try reactor.run { calls == 5 }
        let later = Deadline.after(.milliseconds(5))
        var isLater = false
        reactor.addTimer(after: later.remaining!) { isLater = true }
        try reactor.run { isLater }
        bench.expectEqual(calls, 5)
    }

    static func noCatchingUp(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var calls = 0
        reactor.addTimer(after: .zero, repeating: .milliseconds(100)) {
            calls += 1
            // Three more would have been due by the end of it.
            if calls == 1 { Deadline.after(.milliseconds(350)).sleep() }
        }
        try reactor.look()
        bench.expectEqual(calls, 1)
        try reactor.look()
        bench.expectEqual(calls, 2)
    }

    static func repeatingAtOnce(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var calls = 0
        var reads = 0
        var timer: TimerID?
        timer = reactor.addTimer(after: .zero, repeating: .zero) {
            calls += 1
            // It would never end.
            if calls > 100 { reactor.cancelTimer(timer!) }
        }
        try reactor.addReader(pipe.near.descriptor) { _ in reads += 1 }
        for round in 1...10 {
            try reactor.look()
            bench.expect(calls == round && reads == round)
        }
    }

    static func addedInHandler(_ bench: Workbench) throws {
        for delay in [Duration.zero, .seconds(-1)] {
            let reactor = try bench.reactor()
            var ran: [Int] = []
            func add(_ depth: Int) {
                reactor.addTimer(after: delay) {
                    ran.append(depth)
                    if depth < 10 { add(depth + 1) }
                }
            }
            add(1)
            for round in 1...10 {
                try reactor.look()
                bench.expectEqual(ran, Array(1...round))
            }
        }
    }

    static func manyTimers(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var generator = SeededGenerator(seed: 100)
        var ran: Set<Int> = []
        var timers: [(index: Int, id: TimerID)] = []
        for index in 0..<100_000 {
            let isKept = index.isMultiple(of: 1000)
            let delay = isKept ? Duration.milliseconds(5) : .seconds(Int.random(in: 0..<3600, using: &generator))
            let timer = reactor.addTimer(after: delay) { ran.insert(index) }
            if !isKept { timers.append((index, timer)) }
        }
        for timer in timers.shuffled(using: &generator) { reactor.cancelTimer(timer.id) }
        try reactor.run { ran.count == 100 }
        bench.expectEqual(ran, Set(stride(from: 0, to: 100_000, by: 1000)))
        // Nothing is left that a wait would end for.
        var isDone = false
        reactor.addTimer(after: .milliseconds(1)) { isDone = true }
        try reactor.runOnce()
        bench.expect(isDone)
        bench.expectEqual(ran.count, 100)
    }

    static func busy(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var reads = 0
        var isDue = false
        try reactor.addReader(pipe.near.descriptor) { _ in reads += 1 }
        reactor.addTimer(after: .milliseconds(5)) { isDue = true }
        try reactor.run { isDue }
        bench.expect(reads > 1)
    }

    static func shorterTimeout(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var hasRun = false
        reactor.addTimer(after: .seconds(3600)) { hasRun = true }
        reactor.addTimer(after: .seconds(Int64.max)) { hasRun = true }
        for timeout in [Duration.zero, .nanoseconds(1), .milliseconds(1)] {
            try reactor.runOnce(timeout: timeout)
        }
        bench.expect(!hasRun)
    }

    static func negativeTimeout(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var isLate = false
        // A wait without an end would end with it.
        reactor.addTimer(after: .seconds(20)) { isLate = true }
        for timeout in [Duration.milliseconds(-500), .seconds(-5), .nanoseconds(-1)] {
            try reactor.runOnce(timeout: timeout)
        }
        bench.expect(!isLate)
    }
}
