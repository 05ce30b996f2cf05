/// As much of JSON as CPython's tracker lines take: one object whose keys and values are strings. See RFC 8259.
enum PeerJSON {
    /// The fields; `nil` when the text is no such object.
    static func object(_ text: some Collection<UInt8>) -> [String: String]? {
        var scanner = Scanner(text: Array(text))
        return scanner.object()
    }

    /// Decodes base64 in the alphabet for URLs, with padding; `nil` when it is none. See RFC 4648, section 5.
    static func base64(_ text: String) -> [UInt8]? {
        var digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 4) else { return nil }
        var padding = 0
        while padding < 2, digits.last == UInt8(ascii: "=") {
            digits.removeLast()
            padding += 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count * 3 / 4)
        var bits: UInt32 = 0
        var bitCount = 0
        for digit in digits {
            guard let value = sextet(digit) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        return bytes
    }

    private static func sextet(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }

    private struct Scanner {
        let text: [UInt8]
        var position = 0

        mutating func object() -> [String: String]? {
            var fields: [String: String] = [:]
            guard take("{") else { return nil }
            if !take("}") {
                repeat {
                    guard let key = string(), take(":"), let value = string() else { return nil }
                    fields[key] = value
                } while take(",")
                guard take("}") else { return nil }
            }
            skipSpace()
            return position == text.count ? fields : nil
        }

        private mutating func skipSpace() {
            while position < text.count, [0x20, 0x09, 0x0a, 0x0d].contains(text[position]) { position += 1 }
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        private mutating func next() -> UInt8? {
            guard position < text.count else { return nil }
            defer { position += 1 }
            return text[position]
        }

        private mutating func string() -> String? {
            guard take("\"") else { return nil }
            var units: [UInt16] = []
            while let byte = next() {
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: units, as: UTF16.self)
                case UInt8(ascii: "\\"):
                    guard let unit = escaped() else { return nil }
                    units.append(unit)
                // CPython's lines are ASCII.
                case 0x20..<0x7f: units.append(UInt16(byte))
                default: return nil
                }
            }
            return nil
        }

        private mutating func escaped() -> UInt16? {
            switch next() {
            case UInt8(ascii: "u"):
                guard position + 4 <= text.count else { return nil }
                defer { position += 4 }
                return UInt16(String(decoding: text[position..<position + 4], as: UTF8.self), radix: 16)
            case UInt8(ascii: "n"): return 0x0a
            case UInt8(ascii: "r"): return 0x0d
            case UInt8(ascii: "t"): return 0x09
            case UInt8(ascii: "b"): return 0x08
            case UInt8(ascii: "f"): return 0x0c
            case let byte? where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/"):
                return UInt16(byte)
            default: return nil
            }
        }
    }
}
