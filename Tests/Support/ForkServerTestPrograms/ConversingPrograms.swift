import FDPassing
import ForkServer
import Framing
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// Children that speak with their client over their own connection.

/// Sends each message back, with its descriptors' number, until the client closes.
public struct EchoMessages: ChildProgram {
    public init() {}

    public func run(in child: ChildContext) throws {
        do throws(FramingError) {
            while true { try child.connection.send(try child.connection.receive()) }
        } catch {
            if error != .endOfFile { throw error }
        }
    }
}

/// Tells the client what it is like, a line a fact, and then waits for it to close.
public struct DescribeSetup: ChildProgram {
    /// Variables to be told.
    let variables: [String]
    /// Whether processors, niceness and limits are told too.
    public init(variables: [String] = []) {
        self.variables = variables
    }

    public func run(in child: ChildContext) throws {
        var lines = variables.map { "\($0)=\(Environment[$0] ?? "(none)")" }
        lines.append("arguments=\(CommandLine.arguments.dropFirst().joined(separator: " "))")
        lines.append("directory=\(try currentDirectory())")
        lines.append("group is own=\(getpgrp() == getpid())")
        lines.append("session is own=\(getsid(0) == getpid())")
        lines.append("niceness=\(try ProcessID.current.niceness())")
        #if os(Linux)
            lines.append("processors=\(try ProcessID.current.affinity())")
        #endif
        lines.append("open files=\(try ResourceLimit.current(.openFiles).soft ?? 0)")
        try child.connection.send(Array(lines.joined(separator: "\n").utf8))
        _ = try? child.connection.receive()
    }

    private func currentDirectory() throws(Errno) -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard getcwd(&path, path.count) != nil else { throw Errno.current }
        return String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Copies standard input to standard output, and says so on standard error.
public struct CopyInput: ChildProgram {
    public init() {}

    public func run(in child: ChildContext) throws {
        let bytes = try FileDescriptor.standardInput.readToEnd()
        try FileDescriptor.standardOutput.writeAll(bytes)
        try FileDescriptor.standardError.writeAll("copied \(bytes.count)\n")
    }
}

/// Writes so many bytes to standard error, numbered lines, and leaves.
public struct WriteErrors: ChildProgram {
    let lineCount: Int
    /// Leaves a grandchild behind that holds standard error open until this gate is closed.
    let gate: PassedDescriptor?

    public init(lineCount: Int, gate: PassedDescriptor? = nil) {
        self.lineCount = lineCount
        self.gate = gate
    }

    public func run(in child: ChildContext) throws {
        if let gate {
            var options = SpawnOptions(arguments: ["cat"])
            options.descriptors = [0: gate.descriptor!, 1: .standardOutput, 2: .standardError]
            _ = try ProcessID.spawn("/bin/cat", options)
        }
        for number in 0..<lineCount { try FileDescriptor.standardError.writeAll("line \(number)\n") }
    }
}

/// Installs an exit handler of its own, and leaves by C's `exit`.
public struct LeaveByExit: ChildProgram {
    let code: CInt

    public init(code: CInt) {
        self.code = code
    }

    public func run(in child: ChildContext) {
        atexit { print("the child's handler", terminator: "") }
        exit(code)
    }
}

/// Ends with 0 when a file is mapped here, otherwise with 1.
public struct LookForMapping: ChildProgram {
    let path: String

    public init(of path: String) {
        self.path = path
    }

    public func run(in child: ChildContext) throws {
        let maps = try OwnedFileDescriptor.open("/proc/self/maps", .readOnly)
        let text = String(decoding: try maps.descriptor.readToEnd(), as: UTF8.self)
        child.exit(text.contains(path) ? 0 : 1)
    }
}
