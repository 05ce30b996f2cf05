/// A number with a fixed number of decimals.
package func decimal(_ number: Double, _ places: Int) -> String {
    guard number.isFinite, abs(number) < 1e15 else { return "\(number)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let digits = String(Int((abs(number) * scale).rounded()))
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return (number < 0 ? "-" : "") + padded.dropLast(places) + (places > 0 ? "." : "") + padded.suffix(places)
}

/// A figure for people, of at most seven characters: four digits that count, thousands apart, and M for millions.
package func figure(_ number: Double) -> String {
    let magnitude = abs(number)
    if magnitude >= 999_999.5 { return figure(number / 1_000_000) + "M" }
    if magnitude >= 1000 {
        let digits = decimal(number, 0)
        let groups = stride(from: digits.count, to: 0, by: -3).map { end in
            String(digits.dropLast(digits.count - end).suffix(3))
        }
        return groups.reversed().joined(separator: ",")
    }
    return decimal(number, magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : 3)
}

extension String {
    /// The text with spaces behind it, or before it with `leading`.
    package func padded(to width: Int, leading: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - count))
        return leading ? spaces + self : self + spaces
    }
}
