import ProcessRoles
import Syscalls

/// The tracker's side: a process that outlives the program, and removes what the program left behind.
///
/// It reads commands until every process that could send one is gone. It ignores the signals that end the others.
enum TrackerProcess {
    static let role = ProcessRole(name: "resource tracker") { run() }

    /// Exit codes, as CPython 3.13 has them: the lowest that applies is not enough, the highest says most.
    enum ExitCode: CInt {
        case clean = 0
        case leaksRemoved = 1
        case removalFailed = 2
        case badLine = 3
    }

    private static func run() -> Never {
        // They were blocked across the exec, so that none was lost in between.
        for signal in [Signal.interrupt, .terminate, .hangUp, .brokenPipe] { try? signal.ignore() }
        let none: SignalSet = []
        none.setAsMask()
        // Its standard output may be a pipe whose reader waits for the end of the program; it says nothing there.
        try? FileDescriptor.standardInput.duplicate(onto: .standardOutput)
        closeDescriptors(from: ProcessRole.firstDescriptor + 1, except: [])
        var registry = ResourceRegistry()
        registry.readAll(from: OwnedFileDescriptor(owning: ProcessRole.firstDescriptor))
        let code = registry.removeLeaked()
        exitImmediately(code.rawValue)
    }
}

/// What is registered, and how often.
struct ResourceRegistry {
    private struct Key: Hashable {
        let kind: ResourceKind
        let name: String
    }

    private var counts: [Key: Int] = [:]
    private var sawBadLine = false
    private var couldNotRemove = false

    /// Carries out commands until the end of the input.
    mutating func readAll(from input: consuming OwnedFileDescriptor) {
        var lines = LineDecoder()
        while let bytes = try? input.descriptor.read(upTo: 65536), !bytes.isEmpty {
            lines.append(bytes) { line in
                guard let line, let command = TrackerCommand(parsing: line) else {
                    sawBadLine = true
                    let shown = line.map { String(decoding: $0, as: UTF8.self) } ?? "a line of over 512 bytes"
                    return standardErrorLine(
                        "resource tracker: not understood and passed over: \(shown.debugDescription)")
                }
                carryOut(command)
            }
        }
    }

    mutating func carryOut(_ command: TrackerCommand) {
        switch command {
        case .probe: break
        case .register(let name, let kind): counts[Key(kind: kind, name: name), default: 0] += 1
        case .unregister(let name, let kind): counts[Key(kind: kind, name: name)] = nil
        case .maybeUnlink(let name, let kind):
            let key = Key(kind: kind, name: name)
            guard let count = counts[key] else { return }
            counts[key] = count > 1 ? count - 1 : nil
            if count == 1 { remove(key) }
        }
    }

    /// Removes whatever is still registered, and says so.
    mutating func removeLeaked() -> TrackerProcess.ExitCode {
        let leaked = counts.keys.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
        for kind in ResourceKind.allCases {
            let names = leaked.filter { $0.kind == kind }.map(\.name)
            if names.isEmpty { continue }
            standardErrorLine(
                "resource tracker: removing \(names.count) leaked \(kind.rawValue) object(s): "
                    + names.joined(separator: " "))
        }
        for key in leaked { remove(key) }
        if sawBadLine { return .badLine }
        if couldNotRemove { return .removalFailed }
        return leaked.isEmpty ? .clean : .leaksRemoved
    }

    private mutating func remove(_ key: Key) {
        do throws(Errno) {
            try key.kind.remove(key.name)
        } catch {
            couldNotRemove = true
            standardErrorLine("resource tracker: cannot remove \(key.kind.rawValue) \(key.name): \(error)")
        }
    }
}
