/// A line of the resource trackers of CPython and loky: `REGISTER:name:type`, or a JSON object.
///
/// The command ends at the first colon and the type starts after the last: names may hold colons. CPython 3.13.10, 3.14.1
/// and later send names that such a line cannot hold in base64.
enum PeerLine: Hashable {
    case register(name: [UInt8], ResourceKind)
    /// Forgets the resource, however often it was registered.
    case unregister(name: [UInt8], ResourceKind)
    /// Drops one registration, and removes the resource with the last. From loky.
    case maybeUnlink(name: [UInt8], ResourceKind)
    /// Asks whether somebody listens, or names a kind without a resource; has no effect.
    case probe
    /// One of our own: beside it comes the pipe on which the process will send its commands.
    case attach(process: Int32)

    /// Longest line, with its end: what a pipe takes in one piece everywhere.
    static let longest = 512

    /// Reads a line without its end; `nil` when it is none of the commands.
    init?(parsing line: some BidirectionalCollection<UInt8>) {
        guard line.count < Self.longest, let first = line.first else { return nil }
        if first == UInt8(ascii: "{") {
            guard let fields = PeerJSON.object(line), let command = fields["cmd"], let type = fields["rtype"],
                let name = PeerJSON.base64(fields["base64_name"] ?? "")
            else { return nil }
            self.init(command: command, type: type, name: name)
        } else {
            let colon = UInt8(ascii: ":")
            guard let first = line.firstIndex(of: colon), let last = line.lastIndex(of: colon), first < last
            else { return nil }
            self.init(
                command: String(decoding: line[..<first], as: UTF8.self),
                type: String(decoding: line[line.index(after: last)...], as: UTF8.self),
                name: Array(line[line.index(after: first)..<last]))
        }
    }

    private init?(command: String, type: String, name: [UInt8]) {
        // Kinds without a resource, which CPython and its tests use.
        if command == "PROBE" || type == "noop" || type == "dummy" {
            self = .probe
            return
        }
        if command == "ATTACH", type == "owner" {
            guard let process = Int32(String(decoding: name, as: UTF8.self)), process > 0 else { return nil }
            self = .attach(process: process)
            return
        }
        let kind: ResourceKind? =
            switch type {
            // CPython's, and loky's name for the same.
            case "semaphore", "semlock": .semaphore
            case "shared_memory": .sharedMemory
            case "folder": .directory
            case "file": .file
            default: nil
            }
        guard let kind, !name.isEmpty, !name.contains(0), name.count <= TrackerRecord.longestName else { return nil }
        switch command {
        case "REGISTER": self = .register(name: name, kind)
        case "UNREGISTER": self = .unregister(name: name, kind)
        case "MAYBE_UNLINK": self = .maybeUnlink(name: name, kind)
        default: return nil
        }
    }

    /// The line, with its end, that says a command to a peer's tracker; `nil` for what that does not know.
    static func line(_ operation: TrackerRecord.Operation, _ kind: ResourceKind, name: [UInt8]) -> [UInt8]? {
        let command: String
        switch operation {
        case .register: command = "REGISTER"
        case .unregister, .withdraw: command = "UNREGISTER"
        case .dropReference, .ownerEnded: return nil
        }
        let type: String
        switch kind {
        case .semaphore: type = "semaphore"
        case .sharedMemory: type = "shared_memory"
        case .file: type = "file"
        case .directory: type = "folder"
        default: return nil
        }
        guard !name.contains(UInt8(ascii: "\n")) else { return nil }
        return Array("\(command):".utf8) + name + Array(":\(type)\n".utf8)
    }

    /// The line with which a process introduces its pipe, with its end.
    static func attachment(of process: Int32) -> [UInt8] {
        Array("ATTACH:\(process):owner\n".utf8)
    }
}
