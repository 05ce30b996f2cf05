import FDPassing
import ForkServer
import Framing
import Pool
import ProcessTestSupport
import Syscalls
import TestSupport

// Children that start others.

/// Spawns a sibling through the server that forked it, waits for it, and tells the client of it.
public struct SpawnSibling: ChildProgram {
    public init() {}

    public func run(in child: ChildContext) throws {
        let sibling = try ForkServer.shared.spawn(Leave(code: 7), until: .after(.seconds(60)))
        let server = ForkServer.shared.processID
        let status = try sibling.wait(until: .after(.seconds(60)))
        let text = "\(server == ProcessID.parent) \(status)"
        try child.connection.send(Array(text.utf8))
    }
}

/// Spawns a sibling that computes for ever, tells the client its pid, and waits for the client to close.
public struct SpawnSpinningSibling: ChildProgram {
    public init() {}

    public func run(in child: ChildContext) throws {
        let started = try Pipe()
        let spinning = Spin(PassedDescriptor(started.writeEnd))
        let sibling = try ForkServer.shared.spawn(spinning, until: .after(.seconds(60)))
        _ = try started.readEnd.descriptor.read(upTo: 1)
        try child.connection.send(Array("\(sibling.processID)".utf8))
        _ = try? child.connection.receive()
        withExtendedLifetime(sibling) {}
    }
}

/// Spawns one like itself, that one another, and so on; the last one says so. Each leaves with the number of those after it.
public struct SpawnDescendants: ChildProgram {
    let server: ProcessID
    let count: CInt
    let output: PassedDescriptor

    public init(_ count: CInt, of server: ProcessID, output: PassedDescriptor) {
        self.count = count
        self.server = server
        self.output = output
    }

    public func run(in child: ChildContext) throws {
        guard ProcessID.parent == server else { throw TestFailure(text: "another server has forked it") }
        if count == 0 {
            try output.descriptor!.writeAll("the last")
        } else {
            let next = SpawnDescendants(count - 1, of: server, output: output)
            let status = try ForkServer.shared.spawn(next, until: .generous).wait(until: .generous)
            guard status == .exited(count - 1) else { throw TestFailure(text: "the next one ended with \(status)") }
        }
        child.exit(count)
    }
}

/// Spawns one like itself, that one another, and so on; tells its client the numbers of all of them, and waits for it to close.
public struct SpawnHoldingDescendants: ChildProgram {
    let count: Int

    public init(_ count: Int) {
        self.count = count
    }

    public func run(in child: ChildContext) throws {
        let next =
            count == 0
            ? nil : try ForkServer.shared.spawn(SpawnHoldingDescendants(count - 1), until: .generous)
        let numbers = try next.map { next in
            Array("\(next.processID) ".utf8) + (try next.connection.receive(until: .generous))
        }
        try child.connection.send(numbers ?? [])
        _ = try? child.connection.receive()
        withExtendedLifetime(next) {}
    }
}

/// Uses a pool, whose workers the server that has forked this child forks too.
public struct UsePool: ChildProgram {
    public init() {}

    public func run(in child: ChildContext) throws {
        let pool = try Pool(workers: 2)
        checkEqual(try pool.map((0..<100).map { Add($0, 1) }), Array(1...100))
        for worker in pool.workerProcessIDs { checkEqual(worker.parentProcess, ProcessID.parent) }
        pool.shutDown()
    }
}

/// Uses a server of its own.
public struct UseOwnServer: ChildProgram {
    public init() {}

    public func run(in child: ChildContext) throws {
        let server = ForkServer(ForkServer.Options())
        checkEqual(try server.spawn(Leave(code: 5), until: .generous).wait(until: .generous), .exited(5))
        check(server.processID != ProcessID.parent, "it is the one that has forked this child")
        let held = try server.processID.map { try WatchedProcess($0) }
        server.shutDown()
        check(held?.isRunning == false, "it goes on")
    }
}

/// Becomes a client of its server, and sends it bytes that are no request; ends when the server has closed the connection.
public struct GarbleRequest: ChildProgram {
    let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public func run(in child: ChildContext) throws {
        let before = try openSockets()
        try ForkServer.shared.start()
        guard let control = try openSockets().first(where: { !before.contains($0) }) else {
            throw TestFailure(text: "there is no connection to the server")
        }
        try control.writeAll(bytes)
        _ = try control.readToEnd()
    }
}
