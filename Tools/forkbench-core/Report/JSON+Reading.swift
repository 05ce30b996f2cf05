extension JSON {
    /// What is wrong with a text that is to be JSON.
    package struct ReadingError: Error, Equatable, CustomStringConvertible {
        package let reason: String
        /// In bytes from the text's begin.
        package let offset: Int

        package var description: String { "\(reason) at byte \(offset)" }
    }

    /// Reads a text. Numbers with a fraction or an exponent are `number`, others `integer`.
    package init(parsing text: String) throws(ReadingError) {
        var reader = JSONReader(Array(text.utf8))
        self = try reader.document()
    }

    /// An object's member.
    package subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == name }?.1
    }

    package var string: String? { if case .string(let text) = self { text } else { nil } }

    package var double: Double? {
        switch self {
        case .number(let number): number
        case .integer(let number): Double(number)
        default: nil
        }
    }

    package var int: Int? { if case .integer(let number) = self { number } else { nil } }

    package var bool: Bool? { if case .boolean(let value) = self { value } else { nil } }

    package var elements: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

    package var members: [(String, JSON)]? { if case .object(let members) = self { members } else { nil } }
}

/// Reads one JSON text, by recursive descent.
private struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private static let greatestDepth = 100

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSON.ReadingError) -> JSON {
        let value = try value()
        skipBlanks()
        guard position == bytes.count else { throw error("something follows the value") }
        return value
    }

    private func error(_ reason: String) -> JSON.ReadingError { JSON.ReadingError(reason: reason, offset: position) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(JSON.ReadingError) -> JSON {
        skipBlanks()
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.greatestDepth else { throw error("it is nested too deeply") }
        guard let byte = next else { throw error("a value is missing") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ word: String, _ value: JSON) throws(JSON.ReadingError) -> JSON {
        guard bytes[position...].starts(with: word.utf8) else { throw error("this is no value") }
        position += word.utf8.count
        return value
    }

    private mutating func object() throws(JSON.ReadingError) -> JSON {
        position += 1
        var members: [(String, JSON)] = []
        if take("}") { return .object(members) }
        repeat {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw error("a member's name is missing") }
            let name = try string()
            guard take(":") else { throw error("a colon is missing") }
            members.append((name, try value()))
        } while take(",")
        guard take("}") else { throw error("an object does not end") }
        return .object(members)
    }

    private mutating func array() throws(JSON.ReadingError) -> JSON {
        position += 1
        var elements: [JSON] = []
        if take("]") { return .array(elements) }
        repeat { elements.append(try value()) } while take(",")
        guard take("]") else { throw error("an array does not end") }
        return .array(elements)
    }

    private mutating func number() throws(JSON.ReadingError) -> JSON {
        let start = position
        while let byte = next, "+-.0123456789eE".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let integer = Int(text), !text.hasPrefix("+") { return .integer(integer) }
        position = start
        guard let first = text.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "."),
            let number = Double(text), number.isFinite
        else { throw error("this is no value") }
        position = start + text.utf8.count
        return .number(number)
    }

    private mutating func string() throws(JSON.ReadingError) -> String {
        position += 1
        var result: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"): result += String(try escape()).utf8
            case ..<0x20: throw error("a control character in a string")
            default: result.append(byte)
            }
        }
        throw error("a string does not end")
    }

    private mutating func escape() throws(JSON.ReadingError) -> Unicode.Scalar {
        guard let byte = next else { throw error("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let first = try codeUnit()
            if let scalar = Unicode.Scalar(first) { return scalar }
            // The first of a pair of surrogates.
            guard first < 0xDC00, bytes[position...].starts(with: "\\u".utf8) else { throw error("half a character") }
            position += 2
            let second = try codeUnit()
            guard (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
            else { throw error("half a character") }
            return scalar
        default: throw error("no such escape")
        }
    }

    private mutating func codeUnit() throws(JSON.ReadingError) -> UInt16 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.first != UInt8(ascii: "+"),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else {
            throw error("four hexadecimal digits are missing")
        }
        position += 4
        return unit
    }
}
