import FDPassing
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// What tests have workers do.

public struct Add: PoolTask {
    let left: Int
    let right: Int

    public init(_ left: Int, _ right: Int) {
        self.left = left
        self.right = right
    }

    public func run(in context: WorkerContext) -> Int { left + right }
}

/// Gives its value back: generic, so for any kind of output.
public struct Echo<Value: Codable & Sendable>: PoolTask {
    let value: Value

    public init(_ value: Value) {
        self.value = value
    }

    public func run(in context: WorkerContext) -> Value { value }
}

/// The same by way of a suspension.
public struct AsyncEcho<Value: Codable & Sendable>: AsyncPoolTask {
    let value: Value

    public init(_ value: Value) {
        self.value = value
    }

    public func run(in context: WorkerContext) async -> Value {
        await Task.yield()
        return value
    }
}

public enum Shape: Codable, Hashable, Sendable {
    case point
    case circle(radius: Double)
    case named(String, [Shape])
}

public struct FailingTask: PoolTask {
    let text: String

    public init(_ text: String) {
        self.text = text
    }

    public func run(in context: WorkerContext) throws -> Int { throw TestFailure(text: text) }
}

public enum UncodableFailure: Codable, Sendable { case uncodable, isPrivate }

/// Throws what cannot travel.
public struct FailUncodably: PoolTask {
    private let way: UncodableFailure

    public init(_ way: UncodableFailure) {
        self.way = way
    }

    public func run(in context: WorkerContext) throws -> Int {
        switch way {
        case .uncodable: throw UncodableError()
        case .isPrivate: throw PrivateError()
        }
    }
}

struct UncodableError: Error, CustomStringConvertible {
    let description = "as it says"
}

private struct PrivateError: Error, Codable, CustomStringConvertible {
    var description: String { "as it says" }
}

public struct AsyncFailingTask: AsyncPoolTask {
    public init() {}
    public func run(in context: WorkerContext) async throws -> Int {
        await Task.yield()
        throw TestFailure(text: "later")
    }
}

/// Fails when its number is divisible by this.
public struct FailWhenDivisible: PoolTask {
    let number: Int
    let by: Int

    public init(_ number: Int, by: Int) {
        self.number = number
        self.by = by
    }

    public func run(in context: WorkerContext) throws -> Int {
        if number.isMultiple(of: by) { throw TestFailure(text: "number \(number)") }
        return number
    }
}

/// What a worker knows of itself.
public struct WorkerFacts: Codable, Sendable {
    public let process: ProcessID
    public let threads: Int
    public let taskNumber: Int

    init(_ context: WorkerContext) throws {
        process = context.processID
        threads = try ProcessID.current.threadCount()
        taskNumber = context.taskNumber
    }
}

public struct AskWorker: PoolTask {
    public init() {}
    public func run(in context: WorkerContext) throws -> WorkerFacts { try WorkerFacts(context) }
}

public struct AskWorkerAsync: AsyncPoolTask {
    public init() {}
    public func run(in context: WorkerContext) async throws -> WorkerFacts { try WorkerFacts(context) }
}

/// Has code run on the main actor, there and back several times, and counts.
public struct HopToMainActor: AsyncPoolTask {
    @MainActor private static var count = 0

    public init() {}
    public func run(in context: WorkerContext) async -> Int {
        for _ in 0..<10 {
            await MainActor.run { Self.count += 1 }
            await Task.yield()
        }
        return await Self.count
    }
}

/// Adds numbers up in a task group.
public struct SumInGroup: AsyncPoolTask {
    let numbers: [Int]

    public init(_ numbers: [Int]) {
        self.numbers = numbers
    }

    public func run(in context: WorkerContext) async -> Int {
        await withTaskGroup(of: Int.self) { group in
            for number in numbers { group.addTask { number } }
            return await group.reduce(0, +)
        }
    }
}

/// Says its worker's number, and waits until the other end of the gate is closed: not for ever, so that a test that failed
/// ends.
public struct Hold: PoolTask {
    let started: PassedDescriptor
    let gate: PassedDescriptor

    public init(started: PassedDescriptor, gate: PassedDescriptor) {
        self.started = started
        self.gate = gate
    }

    public func run(in context: WorkerContext) throws -> ProcessID {
        try started.descriptor!.writeAll("\(context.processID)\n")
        if try gate.descriptor!.wait(for: .readable, until: .generous).isEmpty { throw Errno.timedOut }
        return context.processID
    }
}

/// Says its worker's number, and computes for ever.
public struct SpinTask: PoolTask {
    let started: PassedDescriptor

    public init(_ started: PassedDescriptor) {
        self.started = started
    }

    public func run(in context: WorkerContext) throws -> Int {
        try started.descriptor!.writeAll("\(context.processID)\n")
        while true {}
    }
}

/// Notes in a file that it ran.
public struct NoteRun: PoolTask {
    let file: PassedDescriptor

    public init(file: PassedDescriptor) {
        self.file = file
    }

    public init(_ file: PassedDescriptor) {
        self.file = file
    }

    public func run(in context: WorkerContext) throws -> Bool {
        try file.descriptor!.writeAll("x")
        return true
    }
}

/// Takes its worker down.
public struct EndWorker: PoolTask {
    public enum Way: Codable, Sendable, CaseIterable { case exit, trap, kill }
    let way: Way

    public init(_ way: Way) {
        self.way = way
    }

    public func run(in context: WorkerContext) throws -> Int {
        switch way {
        case .exit: exit(0)
        case .trap: fatalError("as the test wants it")
        case .kill: try ProcessID.current.send(.kill)
        }
        return 0
    }
}

/// Reads each of the files to its end.
public struct ReadFiles: PoolTask {
    let files: [PassedDescriptor]

    public init(_ files: [PassedDescriptor]) {
        self.files = files
    }

    public func run(in context: WorkerContext) throws -> [String] {
        try files.map { String(decoding: try $0.descriptor!.readToEnd(), as: UTF8.self) }
    }
}

/// Gives back pipes, each with its number in it.
public struct MakePipes: PoolTask {
    let count: Int

    public init(_ count: Int) {
        self.count = count
    }

    public func run(in context: WorkerContext) throws -> [PassedDescriptor] {
        try (0..<count).map { index in
            let pipe = try Pipe()
            try pipe.writeEnd.descriptor.writeAll("\(index)")
            return PassedDescriptor(pipe.readEnd)
        }
    }
}

/// How many descriptors the worker has.
public struct CountDescriptors: PoolTask {
    public init() {}
    public func run(in context: WorkerContext) throws -> Int { try FileDescriptor.allOpen().count }
}
