import Reactor
import Syscalls
import TestSupport

/// Runs of a reactor that a timer's signal interrupts every 200 µs.
let signalCommands: HelperCommands = [
    "storm-timers": {
        let reactor = try makeReactor()
        let due = Deadline.after(.milliseconds(100))
        var repeated = 0
        let start = Deadline.now
        reactor.addTimer(after: .milliseconds(10), repeating: .milliseconds(10)) {
            repeated += 1
            check((start + .milliseconds(10 * repeated)).hasPassed, "call \(repeated) came too early")
        }
        reactor.addTimer(after: .milliseconds(100)) {
            check(due.hasPassed, "the timer ran too early")
            reactor.stop()
        }
        try whileStorming { try reactor.run() }
        check(due.hasPassed, "a signal ended the run")
        check(stormTickCount > 10, "the wait was interrupted only \(stormTickCount) times")
        check(repeated > 0, "the repeating timer did not run")
    },
    "storm-reader": {
        let reactor = try makeReactor()
        let pipe = try Pipe()
        let readEnd = pipe.readEnd.descriptor
        var received: [UInt8] = []
        try reactor.addReader(readEnd) { readiness in
            checkEqual(readiness, .readable)
            received = (try? readEnd.read(upTo: 10)) ?? []
            reactor.stop()
        }
        try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("x") },
            call: { try reactor.run() })
        checkEqual(received, Array("x".utf8))
    },
    "storm-child": {
        let reactor = try makeReactor()
        let pipe = try Pipe()
        let child = try forkChild {
            _ = try pipe.readEnd.descriptor.readExactly(1)
            exitImmediately(9)
        }
        var status: ExitStatus?
        try reactor.addChild(child) {
            status = $0
            reactor.stop()
        }
        try underSignalStorm(
            peer: { try pipe.writeEnd.descriptor.writeAll("x") },
            call: { try reactor.run() })
        checkEqual(status, .exited(9))
    },
    "storm-thread": {
        // The scheduling thread has every signal blocked: all of them meet the reactor's.
        let reactor = try makeReactor()
        let handle = reactor.handle
        let ran = Lock(0)
        try whileStorming {
            let scheduler = try Background {
                for _ in 0..<100 {
                    Deadline.after(.microseconds(500)).sleep()
                    handle.schedule { _ in ran.withLock { $0 += 1 } }
                }
                handle.stop()
            }
            try reactor.run()
            try scheduler.get()
        }
        checkEqual(ran.withLock { $0 }, 100)
        check(stormTickCount > 10, "the wait was interrupted only \(stormTickCount) times")
    },
]
