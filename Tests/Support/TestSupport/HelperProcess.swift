import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How a helper process ended, and what it printed.
public struct HelperOutcome: Equatable, Sendable {
    public var status: ExitStatus
    public var output: String
    public var errors: String

    public init(status: ExitStatus, output: String = "", errors: String = "") {
        self.status = status
        self.output = output
        self.errors = errors
    }

    /// Exit code 0 and nothing printed.
    public static var success: HelperOutcome { HelperOutcome(status: .exited(0)) }
}

/// A program that a test runs beside itself; killed and reaped, at the latest, when this value goes.
public struct HelperProcess: ~Copyable {
    public let process: ProcessID
    private let output: OwnedFileDescriptor
    private let errors: OwnedFileDescriptor
    private var isReaped = false

    /// Starts a helper executable of this package, which lies beside the test runner.
    ///
    /// - Parameters:
    ///   - descriptors: What it gets beside the standard streams. Its standard input is `/dev/null`, the other two are
    ///     kept for `waitForOutcome`.
    ///   - configure: Changes further options.
    public init(
        _ name: String, _ arguments: [String] = [], descriptors: [CInt: FileDescriptor] = [:],
        configure: (inout SpawnOptions) -> Void = { _ in }
    ) throws {
        try self.init(
            executable: executableDirectory + "/" + name, arguments, descriptors: descriptors, configure: configure)
    }

    /// Starts any executable.
    public init(
        executable: String, _ arguments: [String] = [], descriptors: [CInt: FileDescriptor] = [:],
        configure: (inout SpawnOptions) -> Void = { _ in }
    ) throws {
        let input = try OwnedFileDescriptor.open("/dev/null", .readOnly)
        let output = try Self.namelessFile()
        let errors = try Self.namelessFile()
        var options = SpawnOptions(arguments: [executable] + arguments)
        options.descriptors = [0: input.descriptor, 1: output.descriptor, 2: errors.descriptor]
        options.descriptors.merge(descriptors) { $1 }
        // A helper that traps is a test's failure: no seconds of backtrace.
        options.environment =
            Environment.all.filter { !$0.hasPrefix("SWIFT_BACKTRACE=") } + ["SWIFT_BACKTRACE=enable=no"]
        configure(&options)
        process = try ProcessID.spawn(executable, options)
        self.output = output
        self.errors = errors
    }

    deinit {
        // Only a test that failed before it waited leaves something to do.
        if isReaped { return }
        _ = try? process.send(.kill)
        _ = try? process.wait()
    }

    /// Waits until it has ended, or kills it when it has not by the deadline.
    public mutating func waitForOutcome(until deadline: Deadline = .generousForProcess) throws -> HelperOutcome {
        #if os(Linux)
            let watched = try ProcessDescriptor(of: process)
            if try !watched.waitForEnd(until: deadline) { try process.send(.kill) }
        #endif
        let status = try process.wait()
        isReaped = true
        return HelperOutcome(
            status: status, output: try Self.text(of: output.descriptor), errors: try Self.text(of: errors.descriptor))
    }

    /// A file that is gone with its last descriptor: nobody has to drain it while the process runs.
    private static func namelessFile() throws -> OwnedFileDescriptor {
        let path = "/tmp/forkserver-test-output-\(ProcessID.current)-\(try randomName())"
        let file = try OwnedFileDescriptor.open(path, [.readWrite, .create, .exclusive, .append], permissions: 0o600)
        unlink(path)
        return file
    }

    private static func text(of file: FileDescriptor) throws -> String {
        try file.seek(to: 0)
        return String(decoding: try file.readToEnd(), as: UTF8.self)
    }
}

/// Runs a helper executable of this package to its end.
public func runHelper(
    _ name: String, _ arguments: [String] = [], descriptors: [CInt: FileDescriptor] = [:],
    configure: (inout SpawnOptions) -> Void = { _ in }
) throws -> HelperOutcome {
    var helper = try HelperProcess(name, arguments, descriptors: descriptors, configure: configure)
    return try helper.waitForOutcome()
}

/// Where the running executable lies, and with it those that were built together with it.
public let executableDirectory: String = {
    #if os(Linux)
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        precondition(count > 0, "/proc/self/exe cannot be read: \(Errno(rawValue: errno))")
        let path = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    #else
        let path = CommandLine.arguments[0]
    #endif
    return String(path[..<path.lastIndex(of: "/")!])
}()

/// A name that no other test uses.
public func randomName() throws -> String {
    try randomBytes(8).map { String($0, radix: 16) }.joined()
}

extension Deadline {
    /// Far beyond what a step of a test takes, on a busy machine and under a sanitizer too.
    public static var generous: Deadline { .after(.seconds(300)) }
    /// The same for a whole helper process.
    public static var generousForProcess: Deadline { .after(.seconds(400)) }
}
