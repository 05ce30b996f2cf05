import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where a client finds the tracker that it is to use, if not its own: after those of `report` and `waitForGate`.
private let inheritedTracker: CInt = 5

/// Does what its arguments say, one after the other:
///
///     own PATH                  uses a tracker of its own, of this executable
///     given-up                  registers something until that is an error
///     inherit                   uses the tracker at descriptor 5
///     register KIND NAME, unregister KIND NAME, drop KIND NAME
///     create KIND NAME, create-taken KIND NAME, attach NAME
///     custom NAME               registers a file with a custom kind; crashing, throwing, hanging, closing: others
///     broken KIND NAME          tries to register it, without a tracker
///     report, gate              tells the test; waits for it
///     tracker                   tells the test the number of the tracker's process
///     fork                      goes on in a copy, whose number it tells; the first one waits for a gate
///     leader                    starts a process group of two, tells its number and registers it
func runClient() throws {
    var words = CommandLine.arguments.dropFirst(2)[...]
    var tracker = ResourceTracker.shared
    // Closed with the process, and not before.
    var kept: [ReadySharedMemory] = []
    while let word = words.popFirst() {
        switch word {
        case "own": tracker = ResourceTracker(executable: words.popFirst()!)
        case "given-up":
            check(becomesTrue { (try? tracker.register("/nonexistent/x", .file)) == nil }, "its commands are taken")
        case "inherit": tracker.inherit(OwnedFileDescriptor(owning: inheritedTracker))
        case "register": try tracker.register(words.popSecond(kind: &kind), kind)
        case "unregister": try tracker.unregister(words.popSecond(kind: &kind), kind)
        case "drop": try tracker.dropReference(words.popSecond(kind: &kind), kind)
        case "create":
            let name = words.popSecond(kind: &kind)
            if kind == .semaphore {
                _ = try tracker.createSemaphore(name, value: 0)
            } else {
                kept.append(ReadySharedMemory(try tracker.createSharedMemory(name, size: 64)))
            }
        case "create-taken":
            let name = words.popSecond(kind: &kind)
            checkThrows(ResourceTrackerError.system(.fileExists)) {
                if kind == .semaphore {
                    _ = try tracker.createSemaphore(name, value: 0)
                } else {
                    _ = try tracker.createSharedMemory(name, size: 64)
                }
            }
        case "attach": kept.append(ReadySharedMemory(try SharedMemory(opening: words.popFirst()!)))
        case "custom": try tracker.register(words.popFirst()!, .custom(MarkedFile.self))
        case "crashing": try tracker.register(words.popFirst()!, .custom(CrashingResource.self))
        case "hanging": try tracker.register(words.popFirst()!, .custom(HangingResource.self))
        case "closing": try tracker.register(words.popFirst()!, .custom(ClosingResource.self))
        case "throwing": try tracker.register(words.popFirst()!, .custom(ThrowingResource.self))
        case "broken":
            let name = words.popSecond(kind: &kind)
            checkThrows(ResourceTrackerError.system(.brokenPipe)) { try tracker.register(name, kind) }
        case "report": try report("done")
        case "gate": try waitForGate()
        case "tracker":
            check(becomesTrue { tracker.processID != nil }, "there is no tracker")
            try report("\(tracker.processID!)")
        case "fork":
            if case .parent(let copy) = try forkProcess() {
                try report("\(copy)")
                try waitForGate()
                exitImmediately(0)
            }
        case "leader": try startGroup(tracker)
        default: fail("there is no “\(word)”")
        }
    }
}

nonisolated(unsafe) private var kind = ResourceKind.file  // Only this program's one thread uses it.

/// What keeps a segment open.
private final class ReadySharedMemory {
    private let memory: SharedMemory
    init(_ memory: consuming SharedMemory) { self.memory = memory }
}

extension ArraySlice<String> {
    fileprivate mutating func popSecond(kind: inout ResourceKind) -> String {
        let kinds: [ResourceKind] = [.semaphore, .sharedMemory, .file, .directory, .unixSocket, .processGroup]
        guard let name = popFirst(), let known = kinds.first(where: { "\($0)" == name }), let second = popFirst()
        else { fail("there is no such kind") }
        kind = known
        return second
    }
}

private func startGroup(_ tracker: ResourceTracker) throws {
    var options = SpawnOptions(arguments: ["sh", "-c", "sleep 1000 & wait"])
    options.ownProcessGroup = true
    let leader = try ProcessID.spawn("/bin/sh", options)
    try tracker.register(processGroup: leader)
    check(try becomesTrue { try !leader.children().isEmpty }, "the shell has started nothing")
    try report("\(leader) \(try leader.children()[0])")
}

/// A custom kind: a file, of which something else is left.
enum MarkedFile: CustomResource {
    static func remove(_ name: [UInt8]) throws {
        let path = String(decoding: name, as: UTF8.self)
        unlink(path)
        _ = try OwnedFileDescriptor.open(path + ".removed", [.writeOnly, .create], permissions: 0o600)
    }
}

enum CrashingResource: CustomResource {
    static func remove(_ name: [UInt8]) throws {
        fatalError("this is what it is for")
    }
}

/// Never comes to an end, and says that it has begun by removing a file.
enum HangingResource: CustomResource {
    static func remove(_ name: [UInt8]) throws {
        unlink(String(decoding: name, as: UTF8.self))
        while true { pause() }
    }
}

/// The same, after it has closed everything.
enum ClosingResource: CustomResource {
    static func remove(_ name: [UInt8]) throws {
        closeDescriptors(from: 0, except: [])
        try HangingResource.remove(name)
    }
}

enum ThrowingResource: CustomResource {
    struct Refusal: Error, CustomStringConvertible {
        var description: String { "it would rather not" }
    }

    static func remove(_ name: [UInt8]) throws {
        throw Refusal()
    }
}

/// Registers and forgets names as fast as it can, until it is told to stop; then registers the one given.
///
/// In the middle it keeps a number of others registered, whose removal the test sees in the end.
func registerInStorm() throws {
    let (directory, count) = (CommandLine.arguments[2], Int(CommandLine.arguments[3])!)
    let tracker = ResourceTracker.shared
    if CommandLine.arguments.last == "inherit" { tracker.inherit(OwnedFileDescriptor(owning: inheritedTracker)) }
    try report("begun")
    for number in 0..<count {
        let path = "\(directory)/kept-\(ProcessID.current)-\(number)"
        try tracker.register(path, .file)
        _ = try OwnedFileDescriptor.open(path, [.writeOnly, .create], permissions: 0o600)
        for other in 0..<20 {
            try tracker.register("\(directory)/passing-\(other)", .file)
            try tracker.unregister("\(directory)/passing-\(other)", .file)
        }
    }
    try report("registered")
    try waitForGate()
}
