import Reactor
import Syscalls

extension ConformanceCheck {
    /// Signals, those that a reactor is to be told of and those that interrupt it.
    static let signalChecks = [
        ConformanceCheck(
            "a signal that another process sends is told while the reactor waits",
            SignalChecks.told),
        ConformanceCheck(
            "several signals are told each to its own handler, and what was done before is put back",
            SignalChecks.several),
        ConformanceCheck(
            "a signal's handler may remove itself and others",
            SignalChecks.removedInHandler),
        ConformanceCheck(
            "a signal belongs to one reactor, and one that can have no handler is an error",
            SignalChecks.refused),
        ConformanceCheck(
            "a child's signals are not told to its parent, and its own are after reinitialize",
            SignalChecks.forked),
        ConformanceCheck(
            "a wait that signals interrupt ends neither early for timers nor for run",
            SignalChecks.interrupted),
        ConformanceCheck(
            "a round that signals interrupt lasts as long as its timeout",
            SignalChecks.interruptedRound),
        ConformanceCheck(
            "a reader is told under a storm of signals, once",
            SignalChecks.interruptedReader),
    ]
}

private enum SignalChecks {
    static func told(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var calls = 0
        try reactor.addSignal(.user1) { calls += 1 }
        for round in 1...20 {
            let parent = ProcessID.current
            let child = try forkChild(bench) { try parent.send(.user1) }
            try reactor.run { calls == round }
            bench.expectSuccess(of: child)
        }
        // Several that nobody was told of in between are one.
        for _ in 1...5 { try ProcessID.current.send(.user1) }
        try reactor.look()
        try reactor.look()
        bench.expectEqual(calls, 21)
    }

    static func several(_ bench: Workbench) throws {
        try Signal.user1.ignore()
        let reactor = try bench.reactor()
        var told: [Signal] = []
        for signal in [Signal.user1, .user2, .hangUp] { try reactor.addSignal(signal) { told.append(signal) } }
        for signal in [Signal.hangUp, .user1] { try ProcessID.current.send(signal) }
        try reactor.look()
        bench.expectEqual(Set(told), [.hangUp, .user1])
        bench.expectEqual(told.count, 2)
        // Replaced.
        try reactor.addSignal(.user2) { told.append(.child) }
        try ProcessID.current.send(.user2)
        try reactor.look()
        bench.expectEqual(told.last, .child)
        reactor.removeSignal(.user1)
        reactor.removeSignal(.user1)
        // Ignored as before.
        try ProcessID.current.send(.user1)
        try reactor.look()
        bench.expectEqual(told.count, 3)
        try Signal.user1.restoreDefault()
    }

    static func removedInHandler(_ bench: Workbench) throws {
        for signal in [Signal.user1, .user2] { try signal.ignore() }
        let reactor = try bench.reactor()
        var told: [Signal] = []
        let signals = [Signal.user1, .user2]
        for signal in signals {
            try reactor.addSignal(signal) {
                told.append(signal)
                for signal in signals { reactor.removeSignal(signal) }
            }
        }
        for signal in signals { try ProcessID.current.send(signal) }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told.count, 1)
        for signal in signals { try signal.restoreDefault() }
    }

    static func refused(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let other = try bench.reactor()
        var calls = 0
        try reactor.addSignal(.user1) { calls += 1 }
        bench.expect(throws: .resourceBusy) { try other.addSignal(.user1) {} }
        for signal in [Signal.kill, .stop, Signal(rawValue: 0), Signal(rawValue: -1), Signal(rawValue: .max)] {
            bench.expect(throws: .invalidArgument) { try reactor.addSignal(signal) {} }
        }
        try ProcessID.current.send(.user1)
        try other.look()
        try reactor.look()
        bench.expectEqual(calls, 1)
        reactor.removeSignal(.user1)
        try other.addSignal(.user1) { calls += 10 }
        try ProcessID.current.send(.user1)
        try other.look()
        bench.expectEqual(calls, 11)
    }

    static func forked(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var calls = 0
        try reactor.addSignal(.user1) { calls += 1 }
        let keeping = try forkChild(bench) {
            // Before it has a reactor of its own: nobody is told.
            try ProcessID.current.send(.user1)
            try reactor.reinitialize(keepingHandlers: true)
            try reactor.look()
            bench.expectEqual(calls, 0)
            try ProcessID.current.send(.user1)
            try reactor.look()
            bench.expectEqual(calls, 1)
        }
        bench.expectSuccess(of: keeping)
        let empty = try forkChild(bench) {
            try reactor.reinitialize(keepingHandlers: false)
            // The default again, which is to end.
            try ProcessID.current.send(.user1)
            bench.record("the signal did nothing")
        }
        bench.expectEqual(try empty.wait(), .signaled(Signal.user1.rawValue, coreDumped: false))
        try reactor.look()
        bench.expectEqual(calls, 0)
        try ProcessID.current.send(.user1)
        try reactor.look()
        bench.expectEqual(calls, 1)
    }

    /// Runs the body while another process sends SIGUSR2 again and again, to a handler that does nothing.
    private static func whileInterrupted(_ bench: Workbench, _ body: () throws -> Void) throws {
        try Signal.user2.setHandler { _ in }
        let parent = ProcessID.current
        let sender = try forkChild(bench) {
            while ProcessID.parent == parent {
                try parent.send(.user2)
                Deadline.after(.microseconds(200)).sleep()
            }
        }
        defer {
            try? sender.send(.kill)
            _ = try? sender.wait()
            try? Signal.user2.restoreDefault()
        }
        try body()
    }

    static func interrupted(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let start = Deadline.now
        var repeated = 0
        reactor.addTimer(after: .milliseconds(10), repeating: .milliseconds(10)) {
            repeated += 1
            bench.expect((start + .milliseconds(10 * repeated)).hasPassed, "call \(repeated) came too early")
        }
        let due = start + .milliseconds(200)
        reactor.addTimer(after: .milliseconds(200)) {
            bench.expect(due.hasPassed, "the timer ran too early")
            reactor.stop()
        }
        try whileInterrupted(bench) { try reactor.runUntilStopped() }
        bench.expect(due.hasPassed, "a signal ended the run")
        bench.expect(repeated > 0, "the repeating timer did not run")
    }

    static func interruptedRound(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        try whileInterrupted(bench) {
            for _ in 1...10 {
                let deadline = Deadline.after(.milliseconds(10))
                try reactor.runOnce(timeout: .milliseconds(10))
                bench.expect(deadline.hasPassed, "a signal ended the round")
            }
        }
    }

    static func interruptedReader(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        var told: [Readiness] = []
        try reactor.addReader(pipe.near.descriptor) {
            told.append($0)
            _ = try pipe.near.read()
        }
        try whileInterrupted(bench) {
            for round in 1...20 {
                let writer = try forkChild(bench) {
                    Deadline.after(.milliseconds(2)).sleep()
                    try pipe.far.write("x")
                }
                try reactor.run { told.count == round }
                bench.expectSuccess(of: writer)
            }
        }
        bench.expect(told.allSatisfy { $0 == .readable })
    }
}
