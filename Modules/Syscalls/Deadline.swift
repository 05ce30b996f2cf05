#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A point on the monotonic clock by which a call is to be done, however often it is interrupted and resumed.
///
/// Unlike `ContinuousClock.Instant` it needs no Concurrency runtime, which would make every fork of a process slower.
/// See clock_gettime(2).
@frozen public struct Deadline: Hashable, Comparable, Sendable {
    /// Nanoseconds on CLOCK_MONOTONIC, from 0; `Int64.max` never comes.
    private let nanoseconds: Int64

    private init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Never. As a timeout: none, such as poll(2)'s -1.
    public static var never: Deadline { Deadline(nanoseconds: .max) }

    /// This moment. The corresponding C function is `clock_gettime` with `CLOCK_MONOTONIC`.
    public static var now: Deadline {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Deadline(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The moment a duration from now; a negative one has passed. The corresponding C function is `clock_gettime`.
    public static func after(_ duration: Duration) -> Deadline {
        now + duration
    }

    /// The moment a duration from now; `nil` is never. The corresponding C function is `clock_gettime`.
    public static func after(_ duration: Duration?) -> Deadline {
        duration.map { now + $0 } ?? .never
    }

    /// Later by a duration, or earlier by a negative one, down to the clock's start; what is too far away never comes.
    /// See clock_gettime(2).
    public static func + (deadline: Deadline, duration: Duration) -> Deadline {
        if deadline == .never { return .never }
        if let more = duration.nanosecondsIfNotNegative {
            let (sum, tooFar) = deadline.nanoseconds.addingReportingOverflow(more)
            return tooFar ? .never : Deadline(nanoseconds: sum)
        }
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? Deadline(nanoseconds: 0) : .never }
        // Never below zero: the distance of two deadlines fits, and C calls refuse a negative time.
        let (sum, tooFar) = deadline.nanoseconds.addingReportingOverflow(whole)
        let (total, tooFarToo) = sum.addingReportingOverflow(attoseconds / 1_000_000_000)
        return tooFar || tooFarToo ? .never : Deadline(nanoseconds: max(0, total))
    }

    /// Whether the left one comes first. See clock_gettime(2).
    public static func < (left: Deadline, right: Deadline) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// How much later one is than another; negative when it is earlier. See clock_gettime(2).
    public static func - (later: Deadline, earlier: Deadline) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }

    /// Blocks the calling thread until then. The corresponding C function is `nanosleep`.
    public func sleep() {
        while let left = remaining, left > .zero {
            var time = timespec(left)
            // A signal ends it early.
            nanosleep(&time, nil)
        }
    }

    /// Whether the moment is over. The corresponding C function is `clock_gettime`.
    public var hasPassed: Bool { self != .never && self <= .now }

    /// What is left; zero when it has passed, `nil` when it never comes. The corresponding C function is
    /// `clock_gettime`.
    public var remaining: Duration? {
        self == .never ? nil : .nanoseconds(max(0, nanoseconds - Deadline.now.nanoseconds))
    }

    /// The same as C calls want it: an absolute time on CLOCK_MONOTONIC.
    package var absolute: timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}

extension Duration {
    /// Rounded down; `nil` for a negative one, and for one of centuries. With one division, where `components` takes several:
    /// timers are added by the hundred thousand.
    fileprivate var nanosecondsIfNotNegative: Int64? {
        let value = attoseconds
        guard value >= 0 else { return nil }
        let divisor: UInt64 = 1_000_000_000
        let (high, low) = (UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value))
        // Up to 18 seconds a processor divides by itself.
        if high == 0 { return Int64(low / divisor) }
        guard high < divisor / 2 else { return nil }
        return Int64(divisor.dividingFullWidth((high, low)).quotient)
    }
}

extension timespec {
    /// A relative time; a negative duration is none.
    package init(_ duration: Duration) {
        if let nanoseconds = duration.nanosecondsIfNotNegative {
            let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
            self = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
        } else {
            self = timespec(tv_sec: max(0, Int(duration.components.seconds)), tv_nsec: 0)
        }
    }
}
