import Syscalls

// The messages that stand between a request and its child are coded by hand: what Swift makes up for an enumeration takes several
// containers, and as many microseconds.

extension ServerRequest: Codable {
    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        switch text.utf8.first {
        case UInt8(ascii: "c"): self = .spawn(typeName: String(text.dropFirst()), isDetached: false, mayUseSpare: true)
        case UInt8(ascii: "d"): self = .spawn(typeName: String(text.dropFirst()), isDetached: true, mayUseSpare: true)
        case UInt8(ascii: "C"): self = .spawn(typeName: String(text.dropFirst()), isDetached: false, mayUseSpare: false)
        case UInt8(ascii: "D"): self = .spawn(typeName: String(text.dropFirst()), isDetached: true, mayUseSpare: false)
        case UInt8(ascii: "i"): self = .statistics
        case UInt8(ascii: "r"): self = .retire
        case UInt8(ascii: "s"): self = .shutDown
        case UInt8(ascii: "k"):
            guard let process = Int32(text.dropFirst()), process > 0 else { throw Self.unknown(decoder) }
            self = .abandon(ProcessID(rawValue: process))
        default: throw Self.unknown(decoder)
        }
    }

    private static func unknown(_ decoder: any Decoder) -> DecodingError {
        .dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "there is no request of that kind"))
    }

    func encode(to encoder: any Encoder) throws {
        let text =
            switch self {
            case .spawn(let typeName, false, let mayUseSpare): (mayUseSpare ? "c" : "C") + typeName
            case .spawn(let typeName, true, let mayUseSpare): (mayUseSpare ? "d" : "D") + typeName
            case .statistics: "i"
            case .retire: "r"
            case .abandon(let process): "k\(process)"
            case .shutDown: "s"
            }
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension Activation: Codable {
    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        typeName = try container.decode(String.self)
        client = ProcessID(rawValue: try container.decode(Int32.self))
        isDetached = try container.decode(Bool.self)
        isPrepared = try container.decode(Bool.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(typeName)
        try container.encode(client.rawValue)
        try container.encode(isDetached)
        try container.encode(isPrepared)
    }
}
