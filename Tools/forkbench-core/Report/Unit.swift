/// What a benchmark's figures are in. A sample is always a time per operation, but for `kibibytes`.
package enum Unit: String, Sendable {
    case microseconds = "us"
    case perSecond = "/s"
    case kibibytes = "KiB"

    /// A figure from a sample: nanoseconds, or KiB.
    package func figure(ofSample sample: Double) -> Double {
        switch self {
        case .microseconds: sample / 1000
        case .perSecond: sample > 0 ? 1e9 / sample : 0
        case .kibibytes: sample
        }
    }

    package var isBetterLower: Bool { self != .perSecond }

    /// For people.
    package var symbol: String { self == .microseconds ? "µs" : rawValue }

    /// How many times worse one figure is than another.
    package func ratio(of figure: Double, to other: Double) -> Double {
        isBetterLower ? figure / other : other / figure
    }
}
