/// A text as HTML shows it.
func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
        switch character {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        default: result.append(character)
        }
    }
    return result
}

/// A place or a width in a style.
func percent(_ number: Double) -> String { decimal(number, 2) + "%" }

/// A figure with its unit, where a thousand of one are another: such as `4.19 ms`.
func figure(_ number: Double, in unit: Unit) -> String {
    switch unit {
    case .microseconds where number >= 1_000_000: figure(number / 1_000_000) + " s"
    case .microseconds where number >= 1000: figure(number / 1000) + " ms"
    case .microseconds where number < 1: figure(number * 1000) + " ns"
    case .microseconds: figure(number) + " µs"
    case .perSecond: figure(number) + " /s"
    case .kibibytes: figure(number) + " KiB"
    }
}

/// For an axis: a round number in few characters.
func tickLabel(_ number: Double, in unit: Unit) -> String {
    func plain(_ number: Double) -> String { decimal(number, number.rounded() == number ? 0 : number < 0.1 ? 2 : 1) }
    switch unit {
    case .microseconds where number >= 1_000_000: return plain(number / 1_000_000) + " s"
    case .microseconds where number >= 1000: return plain(number / 1000) + " ms"
    case .microseconds where number < 1: return plain(number * 1000) + " ns"
    case .microseconds: return plain(number) + " µs"
    case .perSecond where number >= 1_000_000: return plain(number / 1_000_000) + "M/s"
    case .perSecond where number >= 1000: return plain(number / 1000) + "k/s"
    case .perSecond: return plain(number) + " /s"
    case .kibibytes where number >= 1024: return plain((number / 1024).rounded()) + " MiB"
    case .kibibytes: return plain(number) + " KiB"
    }
}

/// Who has a colour of his own: ours, the floor, and the peers in the order of their appearance.
struct Contestant: Equatable {
    let name: String
    /// A variable of the style sheet.
    let colour: String

    static let ours = Contestant(name: "ours", colour: "var(--ours)")
    static let floor = Contestant(name: "floor in C", colour: "var(--floor)")

    static func peer(_ name: String, of names: [String]) -> Contestant {
        Contestant(name: name, colour: "var(--peer\((names.firstIndex(of: name) ?? 0) % 5))")
    }
}

/// Colours and names.
func legend(_ contestants: [Contestant]) -> String {
    let keys = contestants.map { "<span><i style=\"background:\($0.colour)\"></i>\(escaped($0.name))</span>" }
    return "<p class=\"legend\">\(keys.joined())</p>"
}
