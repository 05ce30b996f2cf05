/// A line of the resource tracker's protocol, which is CPython's: `REGISTER:name:type`.
///
/// The command ends at the first colon and the type starts after the last: names may hold colons.
enum TrackerCommand: Hashable {
    case register(name: String, ResourceKind)
    /// Forgets the resource, however often it was registered.
    case unregister(name: String, ResourceKind)
    /// Drops one registration, and removes the resource with the last. From loky.
    case maybeUnlink(name: String, ResourceKind)
    /// Asks whether somebody listens; has no effect.
    case probe

    /// Longest line, with its end: what a pipe takes in one piece everywhere.
    static let maximumLength = 512

    /// Reads a line without its end; `nil` when it is none of the commands.
    init?(parsing line: some Collection<UInt8>) {
        let line = Array(line)
        guard line.count < Self.maximumLength, let first = line.firstIndex(of: UInt8(ascii: ":")),
            let last = line.lastIndex(of: UInt8(ascii: ":")), first < last,
            let command = String(validating: line[..<first], as: UTF8.self),
            let name = String(validating: line[(first + 1)..<last], as: UTF8.self),
            let type = String(validating: line[(last + 1)...], as: UTF8.self)
        else { return nil }
        // Kinds without a resource, which CPython and its tests use.
        if command == "PROBE" || type == "noop" || type == "dummy" {
            self = .probe
            return
        }
        guard let kind = ResourceKind(rawValue: type), !name.isEmpty else { return nil }
        switch command {
        case "REGISTER": self = .register(name: name, kind)
        case "UNREGISTER": self = .unregister(name: name, kind)
        case "MAYBE_UNLINK": self = .maybeUnlink(name: name, kind)
        default: return nil
        }
    }

    /// The line, with its end.
    var line: String {
        switch self {
        case .register(let name, let kind): "REGISTER:\(name):\(kind.rawValue)\n"
        case .unregister(let name, let kind): "UNREGISTER:\(name):\(kind.rawValue)\n"
        case .maybeUnlink(let name, let kind): "MAYBE_UNLINK:\(name):\(kind.rawValue)\n"
        case .probe: "PROBE:0:noop\n"
        }
    }
}

/// Cuts the tracker's input into lines.
struct LineDecoder {
    private var begun: [UInt8] = []
    /// Inside a line that is too long to be one, of which nothing is kept.
    private var isSkipping = false

    /// Takes in bytes; `body` gets each line without its end, or `nil` for one that was too long.
    mutating func append(_ bytes: [UInt8], _ body: ([UInt8]?) -> Void) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                body(isSkipping ? nil : begun)
                begun.removeAll(keepingCapacity: true)
                isSkipping = false
            } else if begun.count == TrackerCommand.maximumLength {
                isSkipping = true
            } else {
                begun.append(byte)
            }
        }
    }
}
