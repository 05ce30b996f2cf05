import KqueueEmulation
import ReactorConformance
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("EVFILT_TIMER")
struct TimerFilterTests {
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    private func timer(
        _ flags: KernelEvent.Flags = .add, _ unit: KernelEvent.FilterFlags = [], _ data: Int
    ) -> KernelEvent {
        KernelEvent(1, .timer, flags, fflags: unit, data: data)
    }

    @Test(
        "2nd paragraph: data counts milliseconds, or what fflags says",
        arguments: [([], 3), (.microseconds, 3000), (.nanoseconds, 3_000_000)] as [(KernelEvent.FilterFlags, Int)])
    func units(unit: KernelEvent.FilterFlags, count: Int) throws {
        let deadline = Deadline.after(.milliseconds(3))
        try kqueue.change(timer([.add, .oneShot], unit, count))
        #expect(try kqueue.next().map(\.ident) == [1])
        #expect(deadline.hasPassed)
    }

    @Test("2nd paragraph: seconds are far longer than the others")
    func seconds() throws {
        try kqueue.change(timer(.add, .seconds, 3600), KernelEvent(2, .timer, .add, data: 1))
        #expect(try kqueue.next().map(\.ident) == [2])
    }

    @Test("1st paragraph: a timer is periodic, clears itself, and tells how often it has gone off since the last call")
    func periodic() throws {
        let start = Deadline.now
        try kqueue.change(timer(.add, .microseconds, 500))
        var count = 0
        while count < 10 {
            let event = try #require(try kqueue.next().first)
            #expect(event.flags == .clear && event.data >= 1)
            count += event.data
        }
        #expect(Deadline.now - start >= .microseconds(5000))
        Deadline.after(.milliseconds(2)).sleep()
        // More than once since, and told at once.
        #expect(try #require(try kqueue.look().first).data >= 3)
    }

    @Test("1st paragraph: with EV_ONESHOT it goes off once")
    func oneShot() throws {
        try kqueue.change(timer([.add, .oneShot], .microseconds, 100))
        #expect(try kqueue.next() == [KernelEvent(1, .timer, [.oneShot, .clear], data: 1)])
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(timer(.delete, [], 0)) }
    }

    @Test("3rd paragraph: a period of zero is one of the unit")
    func zero() throws {
        let start = Deadline.now
        try kqueue.change(timer(.add, [], 0))
        var count = 0
        while count < 3 { count += try #require(try kqueue.next().first).data }
        #expect(Deadline.now - start >= .milliseconds(3))
    }

    @Test("3rd paragraph: an absolute time that has passed is now, one to come is waited for; both go off once")
    func absolute() throws {
        try kqueue.change(timer(.add, [.absolute, .seconds], 1))
        #expect(try kqueue.next().map(\.data) == [1])
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let deadline = Deadline.after(.milliseconds(4))
        try kqueue.change(
            timer(.add, [.absolute, .microseconds], Int(time.tv_sec) * 1_000_000 + Int(time.tv_nsec) / 1000 + 5000))
        #expect(try kqueue.next().map(\.data) == [1])
        #expect(deadline.hasPassed)
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(timer(.delete, [], 0)) }
    }

    @Test("4th paragraph: a timer that is added again starts anew, and forgets how often it has gone off")
    func addedAgain() throws {
        try kqueue.change(timer(.add, .microseconds, 100))
        _ = try kqueue.descriptor.wait(for: .readable, until: .generous)
        try kqueue.change(timer(.add, .seconds, 3600))
        #expect(try kqueue.look() == [])
        try kqueue.change(timer([.add, .oneShot], .microseconds, 100))
        #expect(try kqueue.next().map(\.data) == [1])
    }

    @Test("EV_DISABLE: a timer that is disabled goes on, and is told of when it is enabled")
    func disabled() throws {
        try kqueue.change(timer([.add, .disable], .microseconds, 100), KernelEvent(2, .timer, .add, data: 2))
        #expect(try kqueue.next().map(\.ident) == [2])
        try kqueue.change(KernelEvent(2, .timer, .delete), KernelEvent(1, .timer, .enable))
        #expect(try #require(try kqueue.look().first).data >= 10)
    }

    @Test("a timeout before now is invalid, as other times that there are not")
    func negative() throws {
        #expect(throws: Errno.invalidArgument) { try kqueue.change(timer(.add, [], -1)) }
        try kqueue.change(timer(.add, [], .max), KernelEvent(2, .timer, .add, fflags: .seconds, data: .max))
        #expect(try kqueue.look() == [])
    }
}
