import ProcessRoles
import ProcessTestSupport
import Syscalls
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A program with roles of its own: what `ForkServer` and `ResourceTracker` do, without either.
@main enum ProcessRolesHelper {
    static let describe = ProcessRole(name: "describe") { describeRole() }

    static func main() throws {
        ProcessRole.bootstrap([describe, ProcessRole(name: "exit 7") { exitImmediately(7) }])
        runSubcommand([
            "bootstrap": { try checkBootstrap() },
            "start": { try start() },
            "unknown": { try startUnknownRole() },
            "closed-output": { try startWithClosedOutput() },
            "replaced": { try startAfterReplacement() },
            "print-role": { printRole() },
        ])
    }
}

/// In the program `bootstrap` returned, or nobody would be here; a second call is harmless.
private func checkBootstrap() throws {
    check(ProcessRole.isBootstrapped, "bootstrap is not noted")
    ProcessRole.bootstrap([ProcessRolesHelper.describe])
}

/// Starts `describe` with the settings that the arguments give as `NAME=value`, and its output as ours.
private func start() throws {
    var settings: [String: String] = [:]
    for argument in CommandLine.arguments.dropFirst(2) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        settings[String(parts[0])] = String(parts[1])
    }
    let first = try Pipe()
    let second = try Pipe()
    try first.writeEnd.descriptor.writeAll("first")
    try second.writeEnd.descriptor.writeAll("second")
    let role = try ProcessRolesHelper.describe.start(
        descriptors: [first.readEnd.descriptor, second.readEnd.descriptor], settings: settings,
        blockedSignals: [.user1])
    checkEqual(try role.wait(), .exited(0))
}

private func startUnknownRole() throws {
    let nobody = ProcessRole(name: "nobody") { exitImmediately(0) }
    checkEqual(try nobody.start(descriptors: []).wait(), .exited(70))
}

private func startWithClosedOutput() throws {
    closeDescriptors(from: 1, through: 1)
    let pipe = try Pipe()
    // A pipe end may have got the number 1: the role must not take it for standard output, nor fail.
    let role = try ProcessRole(name: "exit 7") { exitImmediately(7) }.start(descriptors: [pipe.readEnd.descriptor])
    checkEqual(try role.wait(), .exited(7))
}

private func startAfterReplacement() throws {
    try report("ready")
    try waitForGate()
    let role = try ProcessRole(name: "exit 7") { exitImmediately(7) }.start(descriptors: [])
    checkEqual(try role.wait(), .exited(7))
}

/// What a program sees that is started by a role: it must be none.
private func printRole() {
    print("role: \(Environment[ProcessRole.variable] ?? "none")")
    flushStandardStreams()
}

private func describeRole() -> Never {
    do {
        let descriptors = try FileDescriptor.allOpen()
        print("descriptors: \(descriptors.map { "\($0.rawValue)" }.joined(separator: " "))")
        print("3: \(String(decoding: try FileDescriptor(rawValue: 3).read(upTo: 100), as: UTF8.self))")
        print("4: \(String(decoding: try FileDescriptor(rawValue: 4).read(upTo: 100), as: UTF8.self))")
        print("input at its end: \(try FileDescriptor.standardInput.read(upTo: 1).isEmpty)")
        let null = try FileStatus(ofFileAt: "/dev/null").identity
        print("input is /dev/null: \(try FileDescriptor.standardInput.status().identity == null)")
        print("name: \(ProcessID.current.commandName ?? "")")
        print("USR1 blocked: \(SignalSet.blocked.contains(.user1)), USR2: \(SignalSet.blocked.contains(.user2))")
        for entry in Environment.all.sorted() where entry.contains("ROLE_TEST") || entry.contains("SWIFT_FORKSERVER") {
            print(entry)
        }
        flushStandardStreams()
        var options = SpawnOptions(arguments: ["grandchild", "print-role"])
        options.environment = Environment.all
        checkEqual(try ProcessID.spawn("/proc/self/exe", options).wait(), .exited(0))
    } catch {
        fail("describe: \(error)")
    }
    exitImmediately(0)
}
