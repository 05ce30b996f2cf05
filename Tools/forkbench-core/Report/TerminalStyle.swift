/// Colours of a terminal, or none. See https://no-color.org.
package struct TerminalStyle: Sendable {
    private let hasColours: Bool

    package init(hasColours: Bool) { self.hasColours = hasColours }

    package static let plain = TerminalStyle(hasColours: false)

    package enum Colour: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    package func paint(_ text: String, _ colour: Colour?) -> String {
        guard hasColours, let colour else { return text }
        return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
    }
}
