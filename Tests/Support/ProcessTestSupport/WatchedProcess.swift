import Syscalls
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process that need not be a child of the test: named by its descriptor, so that its number may be reused.
public final class WatchedProcess: Sendable {
    public let process: ProcessID
    private let descriptor: ProcessDescriptor

    public init(_ process: ProcessID) throws(Errno) {
        self.process = process
        descriptor = try ProcessDescriptor(of: process)
    }

    public func send(_ signal: Signal) throws(Errno) {
        try descriptor.send(signal)
    }

    /// Whether it ends by the deadline. A zombie has ended.
    public func ends(until deadline: Deadline = .generous) throws(Errno) -> Bool {
        try descriptor.waitForEnd(until: deadline)
    }

    public var isRunning: Bool {
        (try? descriptor.waitForEnd(until: .now)) == false
    }
}

extension ProcessID {
    /// The children that a process has now, zombies included.
    public func children() throws -> [ProcessID] {
        try directoryEntries("/proc").compactMap { Int32($0) }.map { ProcessID(rawValue: $0) }
            .filter { $0.parentProcess == self }
    }

    /// Who started it, or adopted it; `nil` when it is gone.
    public var parentProcess: ProcessID? {
        // The name before it is in parentheses and may hold anything.
        guard let text = try? procText("stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]).map { ProcessID(rawValue: $0) } : nil
    }

    /// The name that `ps` shows, at most 15 bytes; `nil` when it is gone.
    public var commandName: String? {
        (try? procText("comm")).map { String($0.dropLast()) }
    }

    /// A line of `/proc/PID/status`, such as `SigIgn`.
    public func statusField(_ name: String) throws -> String {
        let line = try procText("status").split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line.map { $0.dropFirst(name.count + 1).drop { $0 == " " || $0 == "\t" } }.map(String.init) ?? ""
    }

    /// Whether a signal is in one of the sets of `/proc/PID/status`: `SigBlk`, `SigIgn`, `SigCgt`.
    public func signalSet(_ name: String, contains signal: Signal) throws -> Bool {
        let set = UInt64(try statusField(name), radix: 16) ?? 0
        return set & (1 << UInt64(signal.rawValue - 1)) != 0
    }

    private func procText(_ file: String) throws(Errno) -> String {
        try text(ofFile: "/proc/\(self)/\(file)")
    }
}

/// Asks again and again until the condition holds, where there is nothing to wait on; whether it did by the deadline.
public func becomesTrue(until deadline: Deadline = .generous, _ condition: () throws -> Bool) rethrows -> Bool {
    while !deadline.hasPassed {
        if try condition() { return true }
        Deadline.after(.milliseconds(2)).sleep()
    }
    return try condition()
}

/// Runs work that blocks on a thread of its own, so that an async test holds up no other.
public func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try Thread(name: "test") { continuation.resume(with: Swift.Result { try body() }) }.detach()
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// How many threads a forked child has that started none: the thread sanitizer adds one of its own.
public let threadsOfLoneProcess = dlsym(nil, "__tsan_init") == nil ? 1 : 2
