import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

/// A `forkbench peer` that runs beside a test, as a program of its own.
struct ForkbenchPeer: ~Copyable {
    private var running: HelperProcess
    private let input: OwnedFileDescriptor
    private let output: OwnedFileDescriptor

    var process: ProcessID { running.process }

    init(_ arguments: String...) throws {
        try self.init(arguments)
    }

    /// - Parameter openFiles: Its limit of open files, if it is not ours.
    init(_ arguments: [String], descriptors: [CInt: FileDescriptor] = [:], openFiles: Int? = nil) throws {
        let input = try Pipe()
        let output = try Pipe()
        let forkbench = [executableDirectory + "/forkbench", "peer"] + arguments
        let command =
            openFiles.map { ["/bin/sh", "-c", "ulimit -n \($0); exec \"$0\" \"$@\""] + forkbench } ?? forkbench
        running = try HelperProcess(
            executable: command[0], Array(command.dropFirst()),
            descriptors: [0: input.readEnd.descriptor, 1: output.writeEnd.descriptor].merging(descriptors) { $1 })
        self.input = input.writeEnd
        self.output = output.readEnd
    }

    /// Where it says that it listens. To be called once.
    func listeningAddress() throws -> Address {
        let line = try nextLine()
        try #require(line.hasPrefix("listening at "))
        return try Address(parsing: String(line.dropFirst("listening at ".count)))
    }

    /// The next line that it prints.
    func nextLine() throws -> String { try output.descriptor.readLine() }

    /// Ends its standard input, and waits for its end.
    consuming func endInput() throws -> HelperOutcome {
        try input.close()
        return try running.waitForOutcome()
    }

    /// Waits for its end, which something else brings about.
    consuming func waitForOutcome() throws -> HelperOutcome {
        try running.waitForOutcome()
    }
}

/// Writes a key file that the tools accept; returns its path.
func writeKey(_ key: String, in directory: borrowing TemporaryDirectory) throws -> String {
    let path = directory.file("key-of-" + key)
    let file = try OwnedFileDescriptor.open(path, [.writeOnly, .create, .exclusive], permissions: 0o600)
    try file.descriptor.writeAll(key)
    return path
}
