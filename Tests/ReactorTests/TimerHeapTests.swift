import Syscalls
import TestSupport
import Testing

@testable import Reactor

/// What cannot be arranged through a reactor: timers that are due at the very same moment.
@Suite("The order of timers")
struct TimerHeapTests {
    @Test("timers due at the same moment are taken in the order in which they were added, whatever was cancelled")
    func ties() {
        var timers = Timers()
        var generator = SeededGenerator(seed: 7)
        let now = Deadline.now
        var ran: [Int] = []
        var ids: [TimerID] = []
        for index in 0..<1000 {
            ids.append(timers.add(due: now, interval: nil) { ran.append(index) })
        }
        var cancelled: Set<Int> = []
        for index in (0..<1000).shuffled(using: &generator).prefix(700) {
            timers.cancel(ids[index])
            cancelled.insert(index)
        }
        while let handler = timers.takeDue(by: now) { handler() }
        #expect(ran == (0..<1000).filter { !cancelled.contains($0) })
        #expect(timers.nextDue == nil)
    }

    @Test("a repeating timer that is late keeps its beat when its next time is still to come, and else begins anew")
    func beat() {
        var timers = Timers()
        let start = Deadline.now
        _ = timers.add(due: start, interval: .seconds(10)) {}
        #expect(timers.takeDue(by: start + .seconds(3)) != nil)
        #expect(timers.nextDue == start + .seconds(10))
        #expect(timers.takeDue(by: start + .seconds(47)) != nil)
        #expect(timers.takeDue(by: start + .seconds(47)) == nil)
        #expect(timers.nextDue == start + .seconds(57))
    }
}
