import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

let helper = "ResourceTrackerHelper"
let helperPath = executableDirectory + "/ResourceTrackerHelper"

/// A tracker that is this process's own, and ends before the test does.
func withTracker(
    endsWith status: Syscalls.ExitStatus = .exited(0), _ body: (ResourceTracker, ResourceNames) throws -> Void
) throws {
    let names = try ResourceNames()
    let tracker = ResourceTracker(executable: helperPath)
    do {
        try body(tracker, names)
    } catch {
        try tracker.close()
        throw error
    }
    let process = tracker.processID
    #expect(try tracker.close() == status)
    if let process { #expect(!process.exists) }
}

/// Starts a process that does what the words say: see `runClient` of ResourceTrackerHelper.
///
/// - Parameter tracker: The one that it shares; without one it has its own.
func startClient(_ words: String..., sharing tracker: ResourceTracker? = nil) throws -> RunningProgram {
    guard let tracker else { return try RunningProgram(helper, ["client"] + words) }
    let door = try tracker.commandDescriptor()
    return try RunningProgram(helper, ["client", "inherit"] + words) { $0.descriptors[5] = door.descriptor }
}

/// Ends a process as nothing can catch, which has to have done all that it had to do by then.
func kill(_ client: consuming RunningProgram) throws {
    var client = client
    let outcome = try client.kill()
    #expect(outcome.status == .signaled(9, coreDumped: false), "\(outcome.errors)")
}

/// What a tracker has told of leaks.
final class LeakLog: Sendable {
    private let log = Lock<[LeakedResource]>([])

    init(of tracker: ResourceTracker) {
        tracker.onLeak { [self] leak in log.withLock { $0.append(leak) } }
    }

    var leaks: [LeakedResource] { log.withLock { $0 } }
}

extension TemporaryDirectory {
    /// A file that a test may lose.
    borrowing func makeFile(_ name: String) throws -> String {
        _ = try create(name)
        return file(name)
    }
}
