import Syscalls

extension Deadline {
    /// On CLOCK_MONOTONIC, which all processes read alike.
    var monotonicNanoseconds: UInt64 {
        let time = absolute
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension Duration {
    /// Rounded down, at least 1 of a positive one.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : max(1, whole + attoseconds / 1_000_000_000)
    }
}
