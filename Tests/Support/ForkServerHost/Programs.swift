import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport

func forgetBootstrap() throws {
    do {
        _ = try ForkServer.shared.spawn(Leave())
        fail("it started something")
    } catch ForkServerError.notBootstrapped {
        check("\(ForkServerError.notBootstrapped)".contains("ForkServer.bootstrap()"), "the message does not say it")
    } catch {
        fail("\(error)")
    }
    do {
        _ = try Pool(workers: 2).run(Add(1, 1))
        fail("it ran something")
    } catch PoolError.cannotStartWorkers(.notBootstrapped) {
    } catch {
        fail("\(error)")
    }
    checkEqual(try ProcessID.current.children(), [])
}

/// Three children: one that waits, one that computes, one that computes and ignores SIGTERM.
private func startChildren(of server: ForkServer, _ gate: borrowing Pipe) throws -> [ChildProcess] {
    let started = try Pipe()
    let signal = try PassedDescriptor(duplicating: started.writeEnd.descriptor)
    let waiting = try server.spawn(
        WaitForEnd(started: signal, gate: try PassedDescriptor(duplicating: gate.readEnd.descriptor), code: 0))
    let busy = [try server.spawn(Spin(signal)), try server.spawn(Spin(signal, ignoresTermination: true))]
    for _ in 0..<3 { _ = try started.readEnd.descriptor.readLine() }
    return [waiting] + busy
}

private func reportProcesses(_ processes: [ProcessID?]) throws {
    try report(processes.map { "\($0!)" }.joined(separator: " "))
}

/// Reports server, tracker and children.
func holdChildren() throws {
    let gate = try Pipe()
    let children = try startChildren(of: .shared, gate)
    try reportProcesses([ForkServer.shared.processID, ResourceTracker.shared.processID] + children.map(\.processID))
    try waitForGate()
    withExtendedLifetime(children) {}
}

/// Has one child spin for a moment: a spare runs only what was known when it was forked.
func introduceSpin(to server: ForkServer) throws {
    let started = try Pipe()
    let child = try server.spawn(Spin(PassedDescriptor(started.writeEnd)))
    try child.kill()
    checkEqual(try child.wait(), .signaled(Signal.kill.rawValue, coreDumped: false))
}

/// Reports server and child; the second argument says whether that is forked for the request or was before.
func holdDetachedChild() throws {
    let isSpare = CommandLine.arguments[2] == "spare"
    var options = ForkServer.Options()
    options.spares = isSpare ? .fixed(1) : .none
    let server = ForkServer(options)
    try introduceSpin(to: server)
    if isSpare { check(try becomesTrue { try server.statistics()!.sparesReady == 1 }, "there is no spare") }
    let before = try server.statistics()!.activations
    let started = try Pipe()
    var childOptions = ChildOptions()
    childOptions.isDetached = true
    let child = try server.spawn(Spin(PassedDescriptor(started.writeEnd)), options: childOptions)
    _ = try started.readEnd.descriptor.readLine()
    let served = try server.statistics()!.activations - before
    // Nobody else would end it.
    if served != (isSpare ? 1 : 0) { try child.kill() }
    checkEqual(served, isSpare ? 1 : 0)
    try reportProcesses([server.processID, child.processID])
    try waitForGate()
}

/// Reports server, tracker and workers: a busy one, one that waits in its task, and an idle one.
func holdWorkers() throws {
    let pool = try Pool(workers: 3)
    let held = try Pipe()
    let work = try holdTwoWorkers(of: pool, held)
    check(becomesTrue { pool.workerProcessIDs.count == 3 }, "not all workers came up")
    try reportProcesses([ForkServer.shared.processID, ResourceTracker.shared.processID] + pool.workerProcessIDs)
    try waitForGate()
    _ = consume work
}

/// As above, with a tracked segment and semaphore of the names given.
func holdEverything() throws {
    let names = CommandLine.arguments.dropFirst(2).map(\.self)
    _ = try ResourceTracker.shared.createSharedMemory(names[0], size: 4096)
    _ = try ResourceTracker.shared.createSemaphore(names[1], value: 0)
    let gate = try Pipe()
    let children = try startChildren(of: .shared, gate)
    // A child's own: it goes with that.
    let started = try Pipe()
    let holding = try ForkServer.shared.spawn(
        HoldSegment(
            names[2], started: try PassedDescriptor(duplicating: started.writeEnd.descriptor),
            gate: try PassedDescriptor(duplicating: gate.readEnd.descriptor)))
    _ = try started.readEnd.descriptor.readLine()
    let pool = try Pool(workers: 3)
    let held = try Pipe()
    let work = try holdTwoWorkers(of: pool, held)
    check(becomesTrue { pool.workerProcessIDs.count == 3 }, "not all workers came up")
    try reportProcesses(
        [ForkServer.shared.processID, ResourceTracker.shared.processID] + children.map(\.processID)
            + pool.workerProcessIDs)
    try waitForGate()
    withExtendedLifetime(holding) {}
    _ = consume work
}

private struct HeldWork: ~Copyable {
    let first: Background<Void>
    let second: Background<Void>
}

private func holdTwoWorkers(of pool: Pool, _ held: borrowing Pipe) throws -> HeldWork {
    let started = try Pipe()
    let signal = try PassedDescriptor(duplicating: started.writeEnd.descriptor)
    let gate = try PassedDescriptor(duplicating: held.readEnd.descriptor)
    let work = HeldWork(
        first: try Background { _ = try? pool.run(SpinTask(signal)) },
        second: try Background { _ = try? pool.run(Hold(started: signal, gate: gate)) })
    for _ in 0..<2 { _ = try started.readEnd.descriptor.readLine() }
    return work
}

func checkSucceedsInChild(_ program: some ChildProgram, line: Int = #line) throws {
    checkEqual(try ForkServer.shared.spawn(program).wait(until: .generous), .exited(0), line: line)
}

func printFromChild() throws {
    checkEqual(try ForkServer.shared.spawn(PrintAndLeave("from a child", code: 3)).wait(), .exited(3))
}

func failInChild() throws {
    checkEqual(try ForkServer.shared.spawn(ThrowError("no such table")).wait(), .exited(1))
    guard case .signaled = try ForkServer.shared.spawn(Trap()).wait() else { fail("the trap did not end it") }
}

/// Uses server, pool and tracker for the first time after its executable was replaced or deleted.
func useAfterReplacement() throws {
    try report("ready")
    try waitForGate()
    checkEqual(try ForkServer.shared.spawn(Leave(code: 5)).wait(), .exited(5))
    let pool = try Pool(workers: 1)
    checkEqual(try pool.run(Add(1, 2)), 3)
    pool.shutDown()
}

/// A child creates a tracked segment and ends: it stays as long as this program.
func leakFromChild() throws {
    let name = CommandLine.arguments[2]
    try checkSucceedsInChild(LeakSegment(name))
    // Nobody else had it.
    check(becomesTrue { !exists("/dev/shm" + name) }, "it is still there")
    try reportProcesses([ResourceTracker.shared.processID])
    try waitForGate()
}

/// Has children use the tracker before and after it was killed.
func killTrackerUnderServer() throws {
    let (before, after) = (CommandLine.arguments[2], CommandLine.arguments[3])
    let gate = try Pipe()
    let started = try Pipe()
    let waiting = try ForkServer.shared.spawn(
        HoldSegment(
            before, started: try PassedDescriptor(duplicating: started.writeEnd.descriptor),
            gate: try PassedDescriptor(duplicating: gate.readEnd.descriptor)))
    _ = try started.readEnd.descriptor.readLine()
    let tracker = ResourceTracker.shared.processID!
    try tracker.send(.kill)
    check(becomesTrue { ResourceTracker.shared.processID.map { $0 != tracker } ?? false }, "nobody has started another")
    try checkSucceedsInChild(LeakSegment(after))
    check(becomesTrue { !exists("/dev/shm" + after) }, "the new tracker does not know the second child's")
    check(exists("/dev/shm" + before), "it was removed under its owner")
    try waiting.kill()
    check(becomesTrue { !exists("/dev/shm" + before) }, "the new tracker was not told of the first child's")
    try reportProcesses([ResourceTracker.shared.processID])
    try waitForGate()
}

/// Interrupts its whole process group, as a terminal does.
func interruptGroup() throws {
    try Signal.interrupt.ignore()
    let pool = try Pool(workers: 2)
    let processes = try bothWorkers(of: pool)
    for _ in 0..<20 {
        try ProcessID(rawValue: 0).send(.interrupt)
        checkEqual(try bothWorkers(of: pool), processes)
    }
    pool.shutDown()
}

/// The workers of a pool with two, each of which has run a task now.
private func bothWorkers(of pool: Pool) throws -> Set<String> {
    let started = try Pipe()
    var gate: Pipe? = try Pipe()
    let hold = Hold(
        started: try PassedDescriptor(duplicating: started.writeEnd.descriptor),
        gate: try PassedDescriptor(duplicating: gate!.readEnd.descriptor))
    let first = try Background { _ = try pool.run(hold) }
    let second = try Background { _ = try pool.run(hold) }
    let workers = Set([try started.readEnd.descriptor.readLine(), try started.readEnd.descriptor.readLine()])
    gate = nil
    try first.get()
    try second.get()
    return workers
}

/// Ends at once with a child that runs, without shutting anything down. Reports server and child.
func leaveRunning() throws {
    let started = try Pipe()
    let child = try ForkServer.shared.spawn(Spin(PassedDescriptor(started.writeEnd)))
    _ = try started.readEnd.descriptor.readLine()
    try reportProcesses([ForkServer.shared.processID, child.processID])
}

/// Gives a descriptor away while the tasks that it is in wait for the only worker.
func giveDescriptorAway() throws {
    let pool = try Pool(workers: 1)
    let started = try Pipe()
    var gate: Pipe? = try Pipe()
    let hold = Hold(
        started: try PassedDescriptor(duplicating: started.writeEnd.descriptor),
        gate: try PassedDescriptor(duplicating: gate!.readEnd.descriptor))
    let holding = try Background { _ = try pool.run(hold) }
    _ = try started.readEnd.descriptor.readLine()
    let file = try PassedDescriptor(OwnedFileDescriptor.open("/proc/version", .readOnly))
    // One after the other, so that they run in this order.
    let first = try Background { try pool.run(ReadFiles([file])) }
    check(becomesTrue { pool.statistics.queued == 1 }, "the first task does not wait")
    let second = try Background { try pool.run(ReadFiles([file, file])) }
    check(becomesTrue { pool.statistics.queued == 2 }, "the second task does not wait")
    let third = try Background { try pool.run(Add(1, 2)) }
    check(becomesTrue { pool.statistics.queued == 3 }, "not all tasks wait")
    check(file.take() != nil, "it cannot be taken while it is under way")
    check(file.take() == nil && file.descriptor == nil, "it can be taken twice")
    // Whoever opens something now shall not get the number that the tasks were made with.
    let others = try (0..<20).map { _ in try PassedDescriptor(duplicating: started.readEnd.descriptor) }
    gate = nil
    try holding.get()
    let version = try OwnedFileDescriptor.open("/proc/version", .readOnly)
    checkEqual(try first.get(), [String(decoding: try version.descriptor.readToEnd(), as: UTF8.self)])
    // The tasks share an open file, which the first has read to its end.
    checkEqual(try second.get(), ["", ""])
    checkEqual(try third.get(), 3)
    withExtendedLifetime(others) {}
    pool.shutDown()
}

/// Lets go of a server with an executable of its own, and so with a tracker of its own.
func letGoOfServer() throws {
    var options = ForkServer.Options()
    options.executable = "/proc/self/exe"
    var server: ForkServer? = ForkServer(options)
    let started = try Pipe()
    let child = try server!.spawn(Spin(PassedDescriptor(started.writeEnd)))
    _ = try started.readEnd.descriptor.readLine()
    checkEqual(try ProcessID.current.children().count, 2)
    server = nil
    checkEqual(try child.wait(until: .generous), .signaled(15, coreDumped: false))
    check(try becomesTrue { try ProcessID.current.children().isEmpty }, "a zombie is left")
}

func useDespiteFailingPreload() throws {
    var options = ForkServer.Options()
    options.preloads = [FailingPreload()]
    options.preloadFailure = .warn
    let server = ForkServer(options)
    checkEqual(try server.spawn(Leave(code: 3)).wait(until: .generous), .exited(3))
    server.shutDown()
}

func showWhatIsCaptured() throws {
    var options = ChildOptions()
    options.standardError = .captured(bytes: 10, isShown: true)
    let child = try ForkServer.shared.spawn(ThrowError("shown and captured"), options: options)
    checkEqual(try child.wait(until: .generous), .exited(1))
    check(child.capturedStandardError?.omittedByteCount ?? 0 > 0, "more than 10 and 10 bytes were kept")
}
