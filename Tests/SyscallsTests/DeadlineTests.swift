import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Deadlines")
struct DeadlineTests {
    @Test("never does not pass, has nothing that remains, and no duration changes it")
    func never() {
        #expect(!Deadline.never.hasPassed)
        #expect(Deadline.never.remaining == nil)
        #expect(Deadline.after(nil) == .never)
        #expect(Deadline.never + .seconds(5) == .never)
        #expect(Deadline.never + .seconds(-5) == .never)
        #expect(Deadline.never + .seconds(Int64.min) == .never)
        #expect(Deadline.never > .after(.seconds(1_000_000_000)))
    }

    @Test("one in the future has not passed and one in the past has")
    func order() {
        let now = Deadline.now
        #expect(now.hasPassed)
        #expect(now.remaining == .zero)
        #expect(now <= .now)
        let later = now + .seconds(1000)
        #expect(later > now)
        #expect(!later.hasPassed)
        #expect(later - now == .seconds(1000))
        #expect(now - later == .seconds(-1000))
        let remaining = later.remaining ?? .zero
        #expect(remaining > .zero && remaining <= .seconds(1000))
        #expect((now + .nanoseconds(1)) - now == .nanoseconds(1))
        #expect((now + .milliseconds(-1)).hasPassed)
    }

    @Test(
        "a huge duration is never, and one far before the clock's start has passed",
        arguments: [Int64.max, 9_223_372_037, 10_000_000_000])
    func huge(seconds: Int64) {
        #expect(Deadline.after(.seconds(seconds)) == .never)
        let past = Deadline.after(.seconds(-seconds))
        #expect(past.hasPassed)
        #expect(past.remaining == .zero)
        #expect(past + .seconds(-seconds) <= past)
        #expect(Deadline.never - past > .zero)
        #expect(past - .never < .zero)
    }

    @Test("a time before the clock's start is still one that C calls take")
    func absolute() {
        let past = Deadline.now + .seconds(-9_000_000_000)
        #expect(past.absolute.tv_sec >= 0)
        #expect(past.absolute.tv_nsec >= 0)
        let later = past + .nanoseconds(1_500_000_000)
        #expect(later > past)
    }

    @Test(
        "a duration is what C calls take it for, to the nanosecond, and a negative one is none",
        arguments: [0, 1, 999_999_999, 1_000_000_000, 18_446_744_073, 18_446_744_074, .max / 3, .max] as [Int64])
    func relative(nanoseconds: Int64) {
        let time = timespec(.nanoseconds(nanoseconds))
        #expect(Int64(time.tv_sec) == nanoseconds / 1_000_000_000)
        #expect(Int64(time.tv_nsec) == nanoseconds % 1_000_000_000)
        // Less than one does not count.
        let rounded = timespec(.nanoseconds(nanoseconds) + Duration(attoseconds: 999_999_999))
        #expect(rounded.tv_sec == time.tv_sec && rounded.tv_nsec == time.tv_nsec)
        guard nanoseconds > 0 else { return }
        let negative = timespec(.nanoseconds(-nanoseconds))
        #expect(negative.tv_sec == 0 && negative.tv_nsec == 0)
    }

    @Test("milliseconds are rounded up, and kept within what C calls take")
    func milliseconds() {
        #expect(Duration.zero.roundedUpMilliseconds == 0)
        #expect(Duration.nanoseconds(1).roundedUpMilliseconds == 1)
        #expect(Duration.milliseconds(1).roundedUpMilliseconds == 1)
        #expect(Duration.microseconds(1001).roundedUpMilliseconds == 2)
        #expect(Duration.seconds(-1).roundedUpMilliseconds == 0)
        #expect(Duration.nanoseconds(-1).roundedUpMilliseconds == 0)
        #expect(Duration.seconds(Int64.max).roundedUpMilliseconds == 2_000_000_000)
    }
}
