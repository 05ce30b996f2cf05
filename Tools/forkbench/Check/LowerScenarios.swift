import Auth
import FDPassing
import Framing
import Reactor
import ReactorConformance
import Syscalls

/// The layers without processes of their own roles.
let lowerScenarios = [
    Scenario(
        layer: .syscalls, name: "a program gets the descriptors of its map and no others, and its exit code is told"
    ) {
        let pipe = try Pipe()
        var options = SpawnOptions(arguments: ["sh", "-c", "echo mapped >&7; exit 42"])
        options.descriptors[7] = pipe.writeEnd.descriptor
        let process = try ProcessID.spawn("/bin/sh", options)
        let status = try process.wait()
        try expect("the program's end", status, is: .exited(42))
        let said = try pipe.readEnd.descriptor.read(upTo: 100)
        try expect("its output", String(decoding: said, as: UTF8.self), is: "mapped\n")
    },
    Scenario(layer: .fdpass, name: "1,000 descriptors go to a process and come back in order") {
        let peer = try Counterpart.start(.descriptorEcho)
        let channel = KeptDescriptor(peer.channel)
        var sent = 0
        while sent < 1000 {
            let pipes = try (0..<100).map { _ in KeptPipe(try Pipe()) }
            try channel.descriptor.writeAll([UInt8(pipes.count)])
            try channel.descriptor.sendDescriptors(pipes.map(\.readEnd))
            let batch = try channel.descriptor.receiveDescriptors(pipes.count)
            for (pipe, received) in zip(pipes, batch.remaining) {
                let (sent, back) = (try pipe.readEnd.status().identity, try received.status().identity)
                try expect(
                    "each descriptor as it was sent, inode \(sent.inode)", sent == back, seen: "inode \(back.inode)")
            }
            sent += pipes.count
        }
        try channel.descriptor.shutdown()
        try expect("the peer's end", try peer.process.wait(), is: .exited(0))
    },
    Scenario(layer: .framing, name: "messages of all sizes are echoed by another process") {
        let peer = try Counterpart.start(.echo)
        let connection = Connection(peer.channel)
        for size in [0, 1, 16384, 16385, 65536] {
            let message = try randomBytes(size)
            try connection.send(message)
            let answer = try connection.receive(until: .after(.seconds(20)))
            try expect("the same \(size) bytes", answer == message, seen: "\(answer.count) bytes, not the same")
        }
        connection.close()
        try expect("the peer's end", try peer.process.wait(), is: .exited(0))
    },
    Scenario(layer: .auth, name: "two processes authenticate each other, and a wrong key is refused") {
        let peer = try Counterpart.start(.handshake)
        let connection = Connection(peer.channel)
        try connection.authenticateAsClient(key: try Counterpart.key())
        connection.close()
        _ = try peer.process.wait()

        let (one, other) = try Connection.pipe()
        let listener = try JoinedThread {
            try other.authenticateAsListener(key: try AuthenticationKey(Array("right".utf8)))
        }
        try expectError("a refusal by AuthenticationError", where: { $0 is AuthenticationError }) {
            try one.authenticateAsClient(key: try AuthenticationKey(Array("wrong".utf8)))
        }
        try expectError("a refusal by AuthenticationError", where: { $0 is AuthenticationError }) {
            try listener.join()
        }
    },
    Scenario(layer: .reactor, name: "each backend tells of readiness, time, other threads' work and ended children") {
        for backend in ReactorBackends.all { try checkReactor(backend) }
    },
    Scenario(layer: .reactor, name: "each backend passes the conformance kit") {
        for backend in ReactorBackends.all {
            for check in ConformanceCheck.all { try check.run(backend) }
        }
    },
]

private func checkReactor(_ backend: any ReactorBackend.Type) throws {
    let reactor = try Reactor(backend: backend)
    let pipe = try Pipe()
    let readEnd = pipe.readEnd.descriptor
    var seen: Set<String> = []
    func note(_ what: String) {
        seen.insert(what)
        if seen.count == 4 { reactor.stop() }
    }
    try reactor.addReader(readEnd) { _ in
        reactor.removeReader(readEnd)
        note("readiness")
    }
    reactor.addTimer(after: .milliseconds(1)) { note("time") }
    // What another thread schedules cannot touch what belongs to this one: it makes a second pipe readable.
    let second = KeptPipe(try Pipe())
    let (secondRead, handle) = (second.readEnd, reactor.handle)
    try reactor.addReader(secondRead) { _ in
        reactor.removeReader(secondRead)
        note("work")
    }
    let scheduler = try JoinedThread { handle.schedule { _ in try? second.writeEnd.writeAll([1]) } }
    try scheduler.join()
    let child = try ProcessID.spawn("/bin/sh", SpawnOptions(arguments: ["sh", "-c", "exit 7"]))
    try reactor.addChild(child) { status in
        if status == .exited(7) { note("child") }
    }
    try pipe.writeEnd.descriptor.writeAll([1])
    let deadline = Deadline.after(.seconds(20))
    while seen.count < 4, !deadline.hasPassed { try reactor.runOnce(timeout: .seconds(1)) }
    try expect("what \(backend.name) tells of", seen.sorted(), is: ["child", "readiness", "time", "work"])
}

/// A thread whose error is thrown where it is joined.
final class JoinedThread: Sendable {
    private let failure = Lock<(any Error)?>(nil)
    private let done = Latch()

    init(_ body: @escaping @Sendable () throws -> Void) throws {
        try Thread(name: "forkbench") { [self] in
            do { try body() } catch { failure.withLock { $0 = error } }
            done.open()
        }.detach()
    }

    func join() throws {
        done.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
