import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Takes every descriptor there is: a spawn and a task with a result that brings some fail, and work again afterwards.
func spawnWithoutDescriptors() throws {
    try limitDescriptors(to: 128)
    let pool = try Pool(workers: 1)
    checkEqual(try pool.run(Add(1, 1)), 2)
    try checkSucceedsInChild(Leave())
    try withoutDescriptors {
        do {
            _ = try ForkServer.shared.spawn(Leave())
            fail("a child was started without descriptors")
        } catch ForkServerError.system(.tooManyOpenFiles) {
        } catch {
            fail("\(error)")
        }
        checkEqual(try pool.run(Add(2, 2)), 4)
    }
    try checkSucceedsInChild(Leave())

    // What comes back cannot be taken in: an error, and no hang.
    try withoutDescriptors {
        do {
            _ = try pool.run(MakePipes(3))
            fail("descriptors came where there is no room")
        } catch {}
    }
    checkEqual(try pool.run(MakePipes(3)).count, 3)
    // The same by way of the pool's reactor: the only worker is busy when the task is submitted.
    try checkQueuedTaskFailsWithoutDescriptors(pool)
    checkEqual(try pool.run(MakePipes(3)).count, 3)
    pool.shutDown()
}

private func checkQueuedTaskFailsWithoutDescriptors(_ pool: Pool) throws {
    let gate = try Pipe()
    let started = try Pipe()
    let hold = Hold(
        started: try PassedDescriptor(duplicating: started.writeEnd.descriptor),
        gate: try PassedDescriptor(duplicating: gate.readEnd.descriptor))
    let holding = try Background { _ = try pool.run(hold) }
    _ = try started.readEnd.descriptor.readLine()
    let queued = try Background { try pool.run(MakePipes(3)).count }
    var held = Optional(gate.writeEnd)
    try withoutDescriptors {
        held = nil
        do {
            _ = try queued.get()
            fail("descriptors came where there is no room")
        } catch {}
    }
    _ = consume held
    try holding.get()
}

/// Runs the body while no further descriptor can be opened.
private func withoutDescriptors(_ body: () throws -> Void) throws {
    var taken = DescriptorBatch()
    while let descriptor = try? OwnedFileDescriptor.open("/dev/null", .readOnly) { taken.append(descriptor) }
    try body()
    _ = consume taken
}

/// Has no room for the descriptor of a child that was started for it.
func loseStartedChild() throws {
    try limitDescriptors(to: 128)
    for spares in [ForkServer.Spares.none, .fixed(1)] {
        var options = ForkServer.Options()
        options.spares = spares
        let server = ForkServer(options)
        try introduceSpin(to: server)
        if spares != .none { check(try becomesTrue { try server.statistics()!.sparesReady == 1 }, "there is no spare") }
        let sockets = try openSockets().count

        try server.processID!.send(.stop)
        let started = try Pipe()
        let signal = PassedDescriptor(started.writeEnd)
        let spawning = try Background { try server.spawn(Spin(signal)) }
        // The request has been sent, and what went with it was closed.
        check(
            try becomesTrue { try openSockets().count == sockets + 2 && openSockets().count(where: \.hasUnread) == 2 },
            "no request was sent")
        try withoutDescriptors {
            try server.processID!.send(.resume)
            do {
                _ = try spawning.get()
                fail("a child was taken in without a descriptor")
            } catch ForkServerError.system(.tooManyOpenFiles) {}
        }
        signal.take()?.discard()
        // Nobody else has the other end.
        _ = try started.readEnd.descriptor.readToEnd()
        check(try becomesTrue { try server.statistics()!.childrenRunning == 0 }, "the server has not noticed its end")
        checkEqual(try server.spawn(Leave(code: 3)).wait(), .exited(3))
        server.shutDown()
    }
}

extension FileDescriptor {
    /// Whether something was sent that the other side has not read.
    fileprivate var hasUnread: Bool {
        var count: CInt = 0
        return ioctl(rawValue, UInt(TIOCOUTQ), &count) == 0 && count > 0
    }
}
