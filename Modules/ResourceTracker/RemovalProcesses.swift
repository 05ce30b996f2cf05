import Syscalls

/// Clean-ups that run in processes of their own, forked from the tracker, so that neither a deep directory nor a custom
/// kind's code keeps the tracker from its pipes, or takes it along when it crashes.
struct RemovalProcesses: ~Copyable {
    /// More than this wait for their turn.
    private static let mostAtOnce = 4
    private static let timeLimit = Duration.seconds(60)

    private struct Running {
        let key: ResourceRegistry.Key
        let process: ProcessID
        let deadline: Deadline
    }

    private var waiting: [ResourceRegistry.Key] = []
    private var running: [Running] = []
    /// Readable when the process of the same place in `running` has said all it has to say: a pipe's read end.
    private var outputs = KeptPipes()

    var isEmpty: Bool { waiting.isEmpty && running.isEmpty }

    var entries: [PollEntry] { outputs.descriptors.map { PollEntry($0, .readable) } }
    var deadline: Deadline { running.map(\.deadline).min() ?? .never }

    mutating func add(_ key: ResourceRegistry.Key) {
        waiting.append(key)
    }

    /// Starts those whose turn it is, and takes note of those that have ended, or have had their time.
    ///
    /// - Returns: What could not be removed, and why.
    mutating func proceed() -> [(key: ResourceRegistry.Key, reason: String)] {
        var failures: [(ResourceRegistry.Key, String)] = []
        var index = 0
        while index < running.count {
            let output = outputs.descriptors[index]
            let hasEnded = (try? output.wait(for: .readable, until: .now))?.isEmpty == false
            guard hasEnded || running[index].deadline.hasPassed else {
                index += 1
                continue
            }
            let process = running[index].process
            if !hasEnded { try? process.send(.kill) }
            // It writes at most what a pipe holds, just before it ends.
            let said = hasEnded ? (try? output.read(upTo: 1024)) ?? [] : []
            let status = (try? process.wait()) ?? .unknown
            if status != .exited(0) {
                let reason =
                    said.isEmpty ? "its clean-up was no success (\(status))" : String(decoding: said, as: UTF8.self)
                failures.append((running[index].key, hasEnded ? reason : "its clean-up took more than a minute"))
            }
            running.remove(at: index)
            outputs.remove(at: index)
        }
        while running.count < Self.mostAtOnce, !waiting.isEmpty {
            let key = waiting.removeFirst()
            do throws(Errno) { try start(key) } catch { failures.append((key, "\(error)")) }
        }
        return failures
    }

    private mutating func start(_ key: ResourceRegistry.Key) throws(Errno) {
        let pipe = try Pipe()
        let writeEnd = pipe.writeEnd.descriptor
        guard case .parent(let process) = try forkProcess() else { Self.run(key, output: writeEnd) }
        running.append(Running(key: key, process: process, deadline: .after(Self.timeLimit)))
        let readEnd = pipe.readEnd
        outputs.append(readEnd)
    }

    private static func run(_ key: ResourceRegistry.Key, output: FileDescriptor) -> Never {
        closeDescriptors(from: 3, except: [output])
        for signal in [Signal.interrupt, .terminate, .hangUp, .brokenPipe] { try? signal.restoreDefault() }
        setThreadName("resource removal")
        do {
            try key.kind.remove(key.name)
        } catch {
            try? output.writeAll(Array("\(error)".utf8.prefix(1024)))
            exitImmediately(1)
        }
        flushStandardStreams()
        exitImmediately(0)
    }
}

/// Read ends of pipes, which an array cannot hold.
private struct KeptPipes: ~Copyable {
    private var numbers: [CInt] = []

    var descriptors: [FileDescriptor] { numbers.map { FileDescriptor(rawValue: $0) } }

    mutating func append(_ descriptor: consuming OwnedFileDescriptor) {
        numbers.append(descriptor.take())
    }

    mutating func remove(at index: Int) {
        OwnedFileDescriptor(owning: numbers.remove(at: index)).discard()
    }

    deinit {
        for number in numbers { OwnedFileDescriptor(owning: number).discard() }
    }
}
