/// A JSON value to be written, as RFC 8259 has it. Objects keep their order.
enum JSON: ExpressibleByArrayLiteral, ExpressibleByStringLiteral {
    case object([(String, JSON)])
    case array([JSON])
    case string(String)
    case number(Double)
    case integer(Int)

    /// An object, as a list of its members.
    init(arrayLiteral elements: (String, JSON)...) {
        self = .object(elements)
    }

    init(stringLiteral text: String) {
        self = .string(text)
    }

    /// The text, indented by two spaces a level.
    func text(indentation: String = "") -> String {
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
        case .number(let number): return number.isFinite ? decimal(number, 3) : "null"
        case .integer(let number): return "\(number)"
        }
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
