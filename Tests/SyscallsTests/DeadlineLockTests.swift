import Syscalls
import TestSupport
import Testing

@Suite("Locks with deadlines")
struct DeadlineLockTests {
    private final class Guarded: Sendable {
        private let mutex = DeadlineLock()
        // Sound: only touched by who has the lock, which is what is tested.
        nonisolated(unsafe) var count = 0

        // Calls of their own: `#expect` would copy the lock.
        func lock(until deadline: Deadline) -> Bool { mutex.lock(until: deadline) }
        func unlock() { mutex.unlock() }
    }

    @Test("a lock that another thread has is waited for until the deadline, and no longer")
    func deadline() throws {
        let guarded = Guarded()
        let taken = try Pipe()
        let gate = try Pipe()
        let holding = try Background { [taken = taken.writeEnd.descriptor, gate = gate.readEnd.descriptor] in
            #expect(guarded.lock(until: .now))
            try taken.writeAll("!")
            _ = try gate.readExactly(1)
            guarded.unlock()
        }
        _ = try taken.readEnd.descriptor.readExactly(1)
        for deadline in [Deadline.now, .after(.milliseconds(20)), .after(.seconds(-1))] {
            #expect(!guarded.lock(until: deadline))
        }
        let waiting = try Background {
            let isTaken = guarded.lock(until: .generous)
            if isTaken { guarded.unlock() }
            return isTaken
        }
        let waitingForEver = try Background {
            let isTaken = guarded.lock(until: .never)
            if isTaken { guarded.unlock() }
            return isTaken
        }
        try gate.writeEnd.descriptor.writeAll("!")
        try holding.get()
        #expect(try waiting.get())
        #expect(try waitingForEver.get())
        // Free, it is taken whatever the deadline.
        #expect(guarded.lock(until: .after(.seconds(-1))))
        guarded.unlock()
    }

    @Test("one thread has it at a time")
    func exclusion() throws {
        let guarded = Guarded()
        let work: @Sendable () -> Void = {
            for round in 0..<20_000 {
                guard guarded.lock(until: round.isMultiple(of: 2) ? .never : .generous) else { return }
                guarded.count += 1
                guarded.unlock()
            }
        }
        let first = try Background(work)
        let second = try Background(work)
        let third = try Background(work)
        try first.get()
        try second.get()
        try third.get()
        #expect(guarded.lock(until: .never))
        #expect(guarded.count == 60_000)
        guarded.unlock()
    }
}
