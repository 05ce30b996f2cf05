import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport

/// A program that uses a tracker, for tests that kill it. Its tracker's process is its only child.
@main enum ResourceTrackerHelper {
    static func main() throws {
        // What the tracker is started as when a test names this executable; a program that forgot would have gone on.
        if CommandLine.arguments.dropFirst().first != "forgot" { ResourceTracker.bootstrap() }
        runSubcommand([
            "forgot": { try forgetBootstrap() },
            "hold": { try hold() },
            "signals": { try sendSignals() },
            "killed-tracker": { try useAfterKill() },
            "client": { try runClient() },
            "storm": { try registerInStorm() },
        ])
    }
}

private func forgetBootstrap() throws {
    checkThrows(ResourceTrackerError.notBootstrapped) {
        try ResourceTracker.shared.register("/x", .sharedMemory)
    }
    checkThrows(ResourceTrackerError.notBootstrapped) { try ResourceTracker.shared.start() }
    checkEqual(try ProcessID.current.children(), [])
}

/// Creates a segment and a semaphore by the names given; removes them again if asked to.
private func hold() throws {
    let names = CommandLine.arguments.dropFirst(2).prefix(2).map(\.self)
    let tracker = ResourceTracker.shared
    let segment = try tracker.createSharedMemory(names[0], size: 4096)
    let semaphore = try tracker.createSemaphore(names[1], value: 1)
    checkEqual(try segment.size(), 4096)
    check(try semaphore.tryWait(), "the semaphore had nothing")
    if CommandLine.arguments.last == "unregistered" {
        try tracker.unregister(names[0], .sharedMemory)
        try tracker.unregister(names[1], .semaphore)
    }
    try report(try ProcessID.current.children().map { "\($0)" }.joined(separator: " "))
    try waitForGate()
}

/// Sends the tracker what a terminal or a shutdown sends to all, from its first moment on, and has it work afterwards.
private func sendSignals() throws {
    let name = CommandLine.arguments[2]
    for _ in 0..<10 {
        let tracker = ResourceTracker()
        try tracker.start()
        guard let process = try ProcessID.current.children().first else { fail("there is no tracker") }
        for signal in [Signal.interrupt, .terminate, .hangUp] { try process.send(signal) }
        try tracker.register(name, .sharedMemory)
        for signal in [Signal.interrupt, .terminate, .hangUp] { try process.send(signal) }
        try tracker.unregister(name, .sharedMemory)
        checkEqual(try tracker.close(), .exited(0))
    }
}

/// Has a segment and a semaphore tracked, loses the tracker, and goes on; waits to be killed.
private func useAfterKill() throws {
    let names = CommandLine.arguments.dropFirst(2).prefix(2).map(\.self)
    let tracker = ResourceTracker.shared
    _ = try tracker.createSharedMemory(names[0], size: 4096)
    guard let process = try ProcessID.current.children().first else { fail("there is no tracker") }
    let watched = try WatchedProcess(process)
    try watched.send(.kill)
    check(try watched.ends(), "it lives")
    _ = try tracker.createSemaphore(names[1], value: 0)
    check(
        try becomesTrue {
            try ProcessID.current.children().count == 1 && tracker.processID.map { $0 != process } ?? false
        },
        "there is no other tracker, or the dead one was not reaped")
    try report("\(tracker.processID!)")
    try waitForGate()
}
