import FDPassing
import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

/// The two ways of being a host: a synchronous `main` and an async one.
let hosts = ["ForkServerHost", "ForkServerAsyncHost"]
let hostPath = executableDirectory + "/ForkServerHost"

/// A server with a tracker of its own, for one test. In the end both are gone, and everybody who shared the tracker: it
/// ends only then.
///
/// - Parameter trackerStatus: How the tracker ends, if it was started.
func withServer(
    _ options: ForkServer.Options = hosted(), trackerEndsWith trackerStatus: Syscalls.ExitStatus = .exited(0),
    _ body: (ForkServer) throws -> Void
) throws {
    let (server, tracker) = makeServer(options)
    defer { server.shutDown() }
    try body(server)
    try checkNothingLeft(of: server, tracker, trackerStatus)
}

/// The same for async code, under a name of its own: closures of `#expect`s alone do not tell which is meant.
func withServerInTask(_ body: (ForkServer) async throws -> Void) async throws {
    let (server, tracker) = makeServer(hosted())
    do {
        try await body(server)
    } catch {
        try await blocking { server.shutDown() }
        throw error
    }
    try await blocking { try checkNothingLeft(of: server, tracker) }
}

/// Options of a server that this test runner, which cannot be one, starts from a host; changed as the closure says.
func hosted(_ configure: (inout ForkServer.Options) -> Void = { _ in }) -> ForkServer.Options {
    var options = ForkServer.Options()
    options.executable = hostPath
    configure(&options)
    return options
}

private func makeServer(_ options: ForkServer.Options) -> (ForkServer, ResourceTracker) {
    let tracker = ResourceTracker(executable: hostPath)
    var options = options
    options.resourceTracker = tracker
    return (ForkServer(options), tracker)
}

private func checkNothingLeft(
    of server: ForkServer, _ tracker: ResourceTracker, _ trackerStatus: Syscalls.ExitStatus = .exited(0)
) throws {
    let process = server.processID
    server.shutDown()
    if let process { #expect(!process.exists) }
    let status = try tracker.close()
    #expect(status == nil || status == trackerStatus)
}

/// What a child says of itself, by name.
func describeChild(of server: ForkServer) throws -> [String: String] {
    let pipe = try Pipe()
    let child = try server.spawn(Describe(PassedDescriptor(pipe.writeEnd)))
    let text = try pipe.readEnd.descriptor.readText()
    #expect(try child.wait(until: .generous) == .exited(0))
    var facts: [String: String] = [:]
    for line in text.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        facts[String(parts[0])] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    return facts
}

/// A child that has begun and waits, and the end of the pipe that keeps it waiting.
struct WaitingChild: ~Copyable {
    let child: ChildProcess
    private var group = WaitingChildren()

    @available(*, noasync, message: "use startedBy")
    init(of server: ForkServer, code: CInt = 0) throws {
        try self.init(startedBy: server, code: code)
    }

    /// From async code too: the little that it blocks is the start.
    init(startedBy server: ForkServer, code: CInt = 0) throws {
        child = try group.start(server, code: code)
    }

    mutating func letGo() { group.letGo() }
}

/// Children that have begun and wait, all for the same end.
struct WaitingChildren: ~Copyable {
    private var gate: Pipe?

    /// Starts another one.
    mutating func start(_ server: ForkServer, code: CInt = 0, options: ChildOptions = ChildOptions()) throws
        -> ChildProcess
    {
        let started = try Pipe()
        let program = WaitForEnd(
            started: try PassedDescriptor(duplicating: started.writeEnd.descriptor), gate: try passedGate(), code: code)
        let child = try server.spawnBlocking(program, options: options, until: .generous)
        _ = try started.readEnd.descriptor.readLine()
        return child
    }

    private mutating func passedGate() throws -> PassedDescriptor {
        if gate == nil { gate = try Pipe() }
        return try PassedDescriptor(duplicating: gate!.readEnd.descriptor)
    }

    /// They end now.
    mutating func letGo() { gate = nil }
}

/// A child that computes for ever, from when it has begun.
func spinningChild(of server: ForkServer, ignoresTermination: Bool = false) throws -> ChildProcess {
    let started = try Pipe()
    let child = try server.spawn(
        Spin(PassedDescriptor(started.writeEnd), ignoresTermination: ignoresTermination))
    _ = try started.readEnd.descriptor.readLine()
    return child
}

/// A descriptor that has to be there; `#require` takes no values that cannot be copied.
func present(_ descriptor: consuming OwnedFileDescriptor?) throws -> OwnedFileDescriptor {
    guard let descriptor else { throw UnexpectedReport(line: "there is no descriptor") }
    return descriptor
}

/// PIDFD_GET_INFO tells how a process ended that somebody else has reaped since Linux 6.15.
let kernelTellsOfOthersChildren: Bool = {
    let release = try? text(ofFile: "/proc/sys/kernel/osrelease")
    let numbers = (release ?? "").split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 15)
}()
