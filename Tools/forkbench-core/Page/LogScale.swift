#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A logarithmic axis, from 0 to 100 per cent of a width or height.
struct LogScale {
    private let lowest: Double
    private let highest: Double

    /// One that shows all figures, to the next round numbers; `nil` where none is more than 0.
    init?(showing figures: [Double]) {
        let positive = figures.filter { $0 > 0 && $0.isFinite }
        guard let least = positive.min(), let most = positive.max() else { return nil }
        lowest = Self.roundNumbers(least).below
        highest = max(Self.roundNumbers(most).above, lowest * 10)
    }

    /// In per cent.
    func position(of figure: Double) -> Double {
        guard figure > 0 else { return 0 }
        return min(100, max(0, (log10(figure) - log10(lowest)) / (log10(highest) - log10(lowest)) * 100))
    }

    /// Powers of ten, and between those 2 and 5 where there are few.
    var ticks: [Double] {
        let decades = Int(floor(log10(lowest)))...Int(ceil(log10(highest)))
        let steps: [Double] = highest / lowest > 10_000 ? [1] : [1, 2, 5]
        return decades.flatMap { decade in steps.map { $0 * pow(10, Double(decade)) } }
            .filter { $0 >= lowest * 0.999 && $0 <= highest * 1.001 }
    }

    /// The nearest of 1, 2 and 5 times a power of ten on either side.
    private static func roundNumbers(_ figure: Double) -> (below: Double, above: Double) {
        let power = pow(10, floor(log10(figure)))
        let steps = [1, 2, 5, 10].map { $0 * power }
        return (steps.last { $0 <= figure * 1.0001 } ?? power, steps.first { $0 >= figure * 0.9999 } ?? power * 10)
    }
}
