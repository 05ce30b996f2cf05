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
    init?(parsing line: some BidirectionalCollection<UInt8>) {
        let colon = UInt8(ascii: ":")
        guard line.count < Self.maximumLength, let first = line.firstIndex(of: colon),
            let last = line.lastIndex(of: colon), first < last
        else { return nil }
        let (command, type) = (line[..<first], line[line.index(after: last)...])
        // Kinds without a resource, which CPython and its tests use.
        if command.isText("PROBE") || type.isText("noop") || type.isText("dummy") {
            self = .probe
            return
        }
        guard let kind = ResourceKind.allCases.first(where: { type.isText($0.rawValue) }),
            let name = String(validating: line[line.index(after: first)..<last], as: UTF8.self), !name.isEmpty
        else { return nil }
        if command.isText("REGISTER") {
            self = .register(name: name, kind)
        } else if command.isText("UNREGISTER") {
            self = .unregister(name: name, kind)
        } else if command.isText("MAYBE_UNLINK") {
            self = .maybeUnlink(name: name, kind)
        } else {
            return nil
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

extension Collection<UInt8> {
    fileprivate func isText(_ text: String) -> Bool { elementsEqual(text.utf8) }
}

/// Cuts the tracker's input into lines.
struct LineDecoder {
    private var begun: [UInt8] = []
    /// Inside a line that is too long to be one, of which nothing is kept.
    private var isSkipping = false

    /// Takes in bytes; `body` gets each line without its end, or `nil` for one that was too long.
    mutating func append(_ bytes: [UInt8], _ body: (ArraySlice<UInt8>?) -> Void) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if begun.isEmpty, !isSkipping {
                // The whole line is here.
                body(end - rest.startIndex > TrackerCommand.maximumLength ? nil : rest[..<end])
            } else {
                keep(rest[..<end])
                body(isSkipping ? nil : begun[...])
                begun.removeAll(keepingCapacity: true)
                isSkipping = false
            }
            rest = rest[(end + 1)...]
        }
        keep(rest)
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        if isSkipping || begun.count + bytes.count > TrackerCommand.maximumLength {
            isSkipping = true
            begun.removeAll(keepingCapacity: true)
        } else {
            begun += bytes
        }
    }
}
