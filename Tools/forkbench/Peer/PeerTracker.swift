import ForkbenchCore
import ResourceTracker
import Syscalls

/// Our resource tracker, for a program of another implementation to use.
struct PeerTracker {
    /// Where the program finds the tracker, and the variable that says so.
    private static let descriptor: CInt = 3
    private static let variable = "FORKBENCH_TRACKER_FD"

    let command: [String]

    init(_ arguments: [String]) throws(UsageError) {
        guard arguments.first == "--", arguments.count > 1 else {
            throw UsageError("peer tracker: expected -- COMMAND…; see forkbench peer --help")
        }
        command = Array(arguments.dropFirst())
    }

    /// Runs the command, and then the tracker to its end. Returns the command's exit code when that is not 0, else the
    /// tracker's.
    func run() throws -> Int32 {
        let tracker = ResourceTracker()
        tracker.onLeak { leak in
            try? FileDescriptor.standardOutput.writeAll("leaked \(leak.kind) \(leak.name)\n")
        }
        let status = try runCommand(with: tracker)
        let end = try tracker.close()
        guard status == .exited(0) else {
            standardErrorLine("forkbench: peer: the command \(status)")
            if case .exited(let code) = status { return code }
            return 1
        }
        if case .exited(let code) = end { return code }
        return 1
    }

    private func runCommand(with tracker: ResourceTracker) throws -> ExitStatus {
        let door = try tracker.commandDescriptor()
        // env searches the path.
        var options = SpawnOptions(arguments: ["env", "--"] + command)
        options.environment = Environment.all + ["\(Self.variable)=\(Self.descriptor)"]
        options.descriptors[Self.descriptor] = door.descriptor
        return try ProcessID.spawn("/usr/bin/env", options).wait()
    }
}
