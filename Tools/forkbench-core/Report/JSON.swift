/// A JSON value, as RFC 8259 has it. Objects keep their order.
package enum JSON: ExpressibleByArrayLiteral, ExpressibleByStringLiteral, Sendable {
    case object([(String, JSON)])
    case array([JSON])
    case string(String)
    case number(Double)
    case integer(Int)
    case boolean(Bool)
    case null

    /// An object, as a list of its members.
    package init(arrayLiteral elements: (String, JSON)...) {
        self = .object(elements)
    }

    package init(stringLiteral text: String) {
        self = .string(text)
    }

    /// The text, indented by two spaces a level.
    package func text(indentation: String = "") -> String {
        let inner = indentation + "  "
        switch self {
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { "\(inner)\(Self.quoted($0)): \($1.text(indentation: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
        case .array(let elements):
            if elements.isEmpty { return "[]" }
            let lines = elements.map { inner + $0.text(indentation: inner) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
        case .string(let text): return Self.quoted(text)
        case .number(let number): return number.isFinite ? Self.shortest(number) : "null"
        case .integer(let number): return "\(number)"
        case .boolean(let value): return value ? "true" : "false"
        case .null: return "null"
        }
    }

    /// Enough digits for what was measured: six.
    private static func shortest(_ number: Double) -> String {
        let magnitude = abs(number)
        return decimal(number, magnitude >= 1000 ? 1 : magnitude >= 10 ? 3 : 5)
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
