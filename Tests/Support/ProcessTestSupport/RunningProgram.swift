import Syscalls
import TestSupport

/// A helper that tells a test what it has done, a line at a time, and waits until it is told to go on.
///
/// Killed and reaped, at the latest, when this value goes.
public struct RunningProgram: ~Copyable {
    private var helper: HelperProcess
    private let reports: OwnedFileDescriptor
    private let gate: OwnedFileDescriptor

    /// Starts a helper executable that lies beside the test runner.
    public init(_ name: String, _ arguments: [String] = [], configure: (inout SpawnOptions) -> Void = { _ in }) throws {
        try self.init(executable: executableDirectory + "/" + name, arguments, configure: configure)
    }

    /// Starts any executable that uses `report` and `waitForGate`.
    public init(
        executable: String, _ arguments: [String] = [], configure: (inout SpawnOptions) -> Void = { _ in }
    ) throws {
        let reports = try Pipe()
        let gate = try Pipe()
        helper = try HelperProcess(
            executable: executable, arguments,
            descriptors: [reportDescriptor: reports.writeEnd.descriptor, gateDescriptor: gate.readEnd.descriptor],
            configure: configure)
        self.reports = reports.readEnd
        self.gate = gate.writeEnd
    }

    public var process: ProcessID { helper.process }

    /// The next line that it reports.
    public func nextReport(until deadline: Deadline = .generous) throws -> String {
        try reports.descriptor.readLine(until: deadline)
    }

    /// The next line, which has to be numbers of processes: they are watched from now on.
    public func nextProcesses() throws -> [WatchedProcess] {
        let line = try nextReport()
        return try line.split(separator: " ").map { number in
            guard let number = Int32(number) else { throw UnexpectedReport(line: line) }
            return try WatchedProcess(ProcessID(rawValue: number))
        }
    }

    /// Lets it pass one `waitForGate`.
    public func openGate() throws {
        try gate.descriptor.writeAll([1])
    }

    /// Kills it as nothing can catch, and reaps it.
    public mutating func kill() throws -> HelperOutcome {
        try process.send(.kill)
        return try waitForOutcome()
    }

    public mutating func waitForOutcome() throws -> HelperOutcome {
        try helper.waitForOutcome()
    }
}

public struct UnexpectedReport: Error {
    public let line: String

    public init(line: String) {
        self.line = line
    }
}

private let reportDescriptor: CInt = 3
private let gateDescriptor: CInt = 4

/// In a helper: tells the test.
public func report(_ line: String) throws {
    try FileDescriptor(rawValue: reportDescriptor).writeAll(line + "\n")
}

/// In a helper: waits for the test, and ends the process when that is gone.
public func waitForGate() throws {
    if try FileDescriptor(rawValue: gateDescriptor).read(upTo: 1).isEmpty { exitImmediately(99) }
}

extension FileDescriptor {
    /// Reads a line without its end, a byte at a time, so that nothing beyond it is taken.
    public func readLine(until deadline: Deadline = .generous) throws(Errno) -> String {
        var line: [UInt8] = []
        while true {
            if try wait(for: .readable, until: deadline).isEmpty { throw .timedOut }
            let byte = try read(upTo: 1)
            if byte.isEmpty { throw .noData }
            if byte == [UInt8(ascii: "\n")] { return String(decoding: line, as: UTF8.self) }
            line += byte
        }
    }

    /// Reads what is left of the file, as text.
    public func readText() throws(Errno) -> String {
        String(decoding: try readToEnd(), as: UTF8.self)
    }
}

/// What is in a file, as text.
public func text(ofFile path: String) throws(Errno) -> String {
    let file = try OwnedFileDescriptor.open(path, .readOnly)
    return try file.descriptor.readText()
}
