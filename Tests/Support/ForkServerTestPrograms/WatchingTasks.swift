import FDPassing
import Pool
import Syscalls
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// Tasks that look at what their pool tells them.

/// Says its worker's number, and ends when it is told to.
public struct RunUntilTold: PoolTask {
    let started: PassedDescriptor

    public init(_ started: PassedDescriptor) {
        self.started = started
    }

    public func run(in context: WorkerContext) throws -> Int {
        try started.descriptor!.writeAll("\(context.processID)\n")
        let end = Deadline.generous
        while !end.hasPassed {
            // A busy loop would hold up those that are to tell it.
            Deadline.after(.milliseconds(1)).sleep()
            do { try context.check() } catch {
                try started.descriptor!.writeAll("told: \(error)\n")
                throw error
            }
        }
        throw Errno.timedOut
    }
}

/// The same for an async task, which is cancelled.
public struct SleepUntilTold: AsyncPoolTask {
    let started: PassedDescriptor

    public init(_ started: PassedDescriptor) {
        self.started = started
    }

    public func run(in context: WorkerContext) async throws -> Int {
        try started.descriptor!.writeAll("\(context.processID)\n")
        do { try await Task.sleep(for: .seconds(300)) } catch {
            try started.descriptor!.writeAll("told: \(context.isCancelled)\n")
            throw error
        }
        throw Errno.timedOut
    }
}

/// Reports so many times how far it is.
public struct ReportProgress: PoolTask {
    let gate: PassedDescriptor
    let steps: Int

    public init(gate: PassedDescriptor, steps: Int) {
        self.gate = gate
        self.steps = steps
    }

    public func run(in context: WorkerContext) throws -> Int {
        if try gate.descriptor!.wait(for: .readable, until: .generous).isEmpty { throw Errno.timedOut }
        for step in 1...steps { try context.report(step) }
        return steps
    }
}

/// Dies until it is run for the last time.
public struct DieUntilAttempt: PoolTask {
    let file: PassedDescriptor
    let last: Int

    public init(_ last: Int, noting file: PassedDescriptor) {
        self.last = last
        self.file = file
    }

    public func run(in context: WorkerContext) throws -> Int {
        try file.descriptor!.writeAll("x")
        if context.attempt < last { try ProcessID.current.send(.kill) }
        return context.attempt
    }
}

/// Takes memory, and keeps it.
public struct TakeMemory: PoolTask {
    let mebibytes: Int

    public init(mebibytes: Int) {
        self.mebibytes = mebibytes
    }

    public func run(in context: WorkerContext) -> ProcessID {
        Self.taken.withLock { $0.append([UInt8](repeating: 1, count: mebibytes << 20)) }
        return context.processID
    }

    private static let taken = Lock<[[UInt8]]>([])
}

/// What a worker's initializer has left.
public struct AskInitializer: PoolTask {
    public init() {}
    public func run(in context: WorkerContext) -> String {
        Initialize.greeting.withLock { $0 } + "\(context.workerNumber)"
    }
}

public struct Initialize: WorkerInitializer {
    let text: String

    public init(_ text: String) {
        self.text = text
    }

    public func run(in context: WorkerContext) {
        Self.greeting.withLock { $0 = text }
    }

    static let greeting = Lock("")
}

/// An initializer that does not let its worker come up.
public struct FailToInitialize: WorkerInitializer {
    let text: String
    let traps: Bool

    public init(_ text: String, traps: Bool) {
        self.text = text
        self.traps = traps
    }

    public func run(in context: WorkerContext) throws {
        if traps { fatalError(text) }
        throw TestFailure(text: text)
    }
}

/// A trap with a message.
public struct TrapWithMessage: PoolTask {
    let text: String

    public init(_ text: String) {
        self.text = text
    }

    public func run(in context: WorkerContext) -> Int { fatalError(text) }
}

/// The processors that the worker may use, and its name.
public struct AskSurroundings: PoolTask {
    public init() {}

    public func run(in context: WorkerContext) throws -> [String] {
        #if os(Linux)
            [threadName(), "\(try ProcessID.current.affinity())"]
        #else
            [threadName()]
        #endif
    }
}

/// Writes into every socket that the worker has, but for its resource tracker's, which is 4.
public struct TalkNonsense: PoolTask {
    let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public func run(in context: WorkerContext) throws -> Int {
        for descriptor in try FileDescriptor.allOpen()
        where descriptor.rawValue > 4 && (try? descriptor.status().kind) == .socket { try? descriptor.writeAll(bytes) }
        return 0
    }
}

/// Adds up shared bytes where they are.
public struct SumShared: PoolTask {
    let bytes: SharedBytes

    public init(_ bytes: SharedBytes) {
        self.bytes = bytes
    }

    public func run(in context: WorkerContext) -> Int {
        bytes.withSpan { span in
            var sum = 0
            for index in stride(from: 0, to: span.byteCount, by: 997) {
                sum += Int(span.unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self))
            }
            return sum
        }
    }
}

/// Gives shared bytes back, and those that it got before.
public struct KeepShared: PoolTask {
    let bytes: SharedBytes

    public init(_ bytes: SharedBytes) {
        self.bytes = bytes
    }

    public func run(in context: WorkerContext) -> [SharedBytes] {
        Self.kept.withLock { kept in
            defer { kept = bytes }
            return [bytes] + (kept.map { [$0] } ?? [])
        }
    }

    private static let kept = Lock<SharedBytes?>(nil)
}

/// Takes some time.
public struct Nap: PoolTask {
    let milliseconds: Int

    public init(milliseconds: Int) {
        self.milliseconds = milliseconds
    }

    public func run(in context: WorkerContext) -> Bool {
        Deadline.after(.milliseconds(milliseconds)).sleep()
        return true
    }
}
