import Syscalls

/// Clean-ups that run in processes of their own, forked from the tracker, so that neither a deep directory nor a custom
/// kind's code keeps the tracker from its pipes, or takes it along when it crashes.
struct RemovalProcesses {
    /// More than this wait for their turn.
    private static let mostAtOnce = 4
    /// How long each may take.
    var timeLimit = Duration.seconds(60)

    private var waiting: [ResourceRegistry.Key] = []
    private var running: [RemovalProcess] = []

    var isEmpty: Bool { waiting.isEmpty && running.isEmpty }

    var entries: [PollEntry] { running.map { PollEntry($0.end, .readable) } }
    var deadline: Deadline { running.map(\.deadline).min() ?? .never }

    mutating func add(_ key: ResourceRegistry.Key) {
        waiting.append(key)
    }

    /// Starts those whose turn it is, and takes note of those that have ended, or have had their time.
    ///
    /// - Returns: What could not be removed, and why.
    mutating func proceed() -> [(key: ResourceRegistry.Key, reason: String)] {
        var failures: [(ResourceRegistry.Key, String)] = []
        for removal in running where removal.hasEnded || removal.deadline.hasPassed {
            if let reason = removal.finish() { failures.append((removal.key, reason)) }
        }
        running.removeAll(where: \.isFinished)
        while running.count < Self.mostAtOnce, !waiting.isEmpty {
            let key = waiting.removeFirst()
            do throws(Errno) {
                running.append(try RemovalProcess(key, timeLimit: timeLimit))
            } catch {
                failures.append((key, "\(error)"))
            }
        }
        return failures
    }
}

/// The clean-up of one resource.
private final class RemovalProcess {
    let key: ResourceRegistry.Key
    let deadline: Deadline
    private let timeLimit: Duration
    private let process: ProcessID
    private let output: OwnedFileDescriptor
    #if os(Linux)
        private let descriptor: ProcessDescriptor
    #endif
    private(set) var isFinished = false

    /// It says at most so many bytes, which a pipe holds.
    private static let mostBytes = 1024

    init(_ key: ResourceRegistry.Key, timeLimit: Duration) throws(Errno) {
        let pipe = try Pipe()
        output = pipe.readEnd
        let writeEnd = pipe.writeEnd
        guard case .parent(let process) = try forkProcess() else { Self.run(key, output: writeEnd) }
        writeEnd.discard()
        self.key = key
        self.timeLimit = timeLimit
        self.process = process
        deadline = .after(timeLimit)
        #if os(Linux)
            descriptor = try ProcessDescriptor(ofChild: process)
        #endif
    }

    /// Readable when it has ended. (The end of its output need not be its end: what it runs may close, or keep, what it likes.)
    var end: FileDescriptor {
        #if os(Linux)
            descriptor.descriptor
        #else
            output.descriptor
        #endif
    }

    var hasEnded: Bool { isReadable(end) }

    /// Reaps it; before, it is killed if it has not ended. Returns why it was no success.
    func finish() -> String? {
        isFinished = true
        guard hasEnded else {
            try? process.send(.kill)
            _ = try? process.wait()
            return "its clean-up took more than \(timeLimit)"
        }
        let status = (try? process.wait()) ?? .unknown
        if status == .exited(0) { return nil }
        let said = isReadable(output.descriptor) ? (try? output.descriptor.read(upTo: Self.mostBytes)) ?? [] : []
        return said.isEmpty ? "its clean-up was no success (\(status))" : String(decoding: said, as: UTF8.self)
    }

    private func isReadable(_ descriptor: FileDescriptor) -> Bool {
        (try? descriptor.wait(for: .readable, until: .now))?.isEmpty == false
    }

    private static func run(_ key: ResourceRegistry.Key, output: consuming OwnedFileDescriptor) -> Never {
        let output = FileDescriptor(rawValue: output.take())
        closeDescriptors(from: 3, except: [output])
        for signal in [Signal.interrupt, .terminate, .hangUp, .brokenPipe] { try? signal.restoreDefault() }
        setThreadName("resource removal")
        do {
            try key.kind.remove(key.name)
        } catch {
            try? output.writeAll(Array("\(error)".utf8.prefix(mostBytes)))
            exitImmediately(1)
        }
        flushStandardStreams()
        exitImmediately(0)
    }
}
