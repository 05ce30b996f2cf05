import AsyncFraming
import Framing
import Reactor
import Syscalls
import TestSupport

/// What tests of AsyncFraming cannot do in the test runner: use up the descriptors of a process, and count them.
@main enum AsyncFramingHelper {
    static func main() {
        runSubcommand(commands)
    }
}

private let commands: HelperCommands = [
    // With the descriptors of this process exhausted a client waits until there is room again.
    "accept-without-room": {
        let listener = AsyncListener(try Listener.atFreshAddress())
        // A task that has ended may hold it for a moment longer.
        defer { listener.close() }
        let client = try Connection.connect(to: listener.listener.address)
        try client.send([1])
        try startReactor()
        let accepting = try withoutRoomForDescriptors {
            try onTask {
                for deadline in [Deadline.now, .after(.milliseconds(120))] {
                    await checkShortage { _ = try await listener.accept(until: deadline) }
                }
            }
            return try Background {
                try onTask { try await listener.accept(until: .generous).receive(until: .generous) }
            }
        }
        checkEqual(try accepting.get(), [1])
    },
    // Nor is it an error while there is nobody to accept: waiting for him takes a descriptor too.
    "wait-without-room": {
        let listener = AsyncListener(try Listener.atFreshAddress())
        defer { listener.close() }
        let (near, far) = try Connection.pipe()
        let connection = AsyncConnection(near)
        let client = try OwnedFileDescriptor.socket(family: SocketAddress(unixPath: "/x").family)
        guard case .unix(let path) = listener.listener.address else { fail("\(listener.listener.address)") }
        try startReactor()
        let working = try withoutRoomForDescriptors {
            try onTask {
                for deadline in [Deadline.now, .after(.milliseconds(120))] {
                    await checkTimesOut { _ = try await listener.accept(until: deadline) }
                    await checkTimesOut { _ = try await connection.receive(until: deadline) }
                    checkEqual(try await connection.poll(until: deadline), false)
                }
            }
            return try Background {
                try onTask {
                    async let received = connection.receive(until: .generous)
                    let accepted = try await listener.accept(until: .generous)
                    return try await received + accepted.receive(until: .generous)
                }
            }
        }
        try far.send([1])
        try client.descriptor.connect(to: try SocketAddress(unixPath: path))
        try client.descriptor.writeAll([0, 0, 0, 1, 2])
        checkEqual(try working.get(), [1, 2])
    },
    "connections-keep-descriptors": {
        try startReactor()
        try checkKeepsSockets {
            let listener = AsyncListener(try Listener.atFreshAddress())
            try onTask {
                for _ in 0..<10 {
                    let client = try await AsyncConnection.connect(to: listener.listener.address, until: .generous)
                    let server = try await listener.accept(until: .generous)
                    try await client.send([1], until: .generous)
                    checkEqual(try await server.receive(until: .generous), [1])
                    await checkTimesOut { _ = try await client.receive(until: .after(.milliseconds(1))) }
                    await checkTimesOut { _ = try await listener.accept(until: .after(.milliseconds(1))) }
                    let waiting = Task { try await server.receive() }
                    await Task.yield()
                    waiting.cancel()
                    _ = await waiting.result
                    client.close()
                    server.close()
                }
                listener.close()
            }
        }
    },
]

/// What the shared reactor keeps open is open from here on.
private func startReactor() throws {
    let (near, far) = try Connection.pipe()
    let connection = AsyncConnection(near)
    try onTask { checkEqual(try await connection.poll(until: .after(.milliseconds(1))), false) }
    connection.close()
    far.close()
}

/// Where async code runs: libdispatch, which runs it otherwise, looks into /proc now and then, and ends the process when there is
/// no descriptor for that.
private let tasks: ReactorThread = {
    do { return try ReactorThread(name: "tasks") } catch { fail("\(error)") }
}()

/// Runs async code to its end from this thread.
private func onTask<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) throws -> Result {
    let outcome = Outcome<Result>()
    let done = Latch()
    Task.detached(executorPreference: tasks) {
        do {
            let result = try await body()
            outcome.result.withLock { $0 = .success(result) }
        } catch {
            outcome.result.withLock { $0 = .failure(error) }
        }
        done.open()
    }
    done.wait()
    return try outcome.result.withLock { $0 }!.get()
}

private final class Outcome<Value: Sendable>: Sendable {
    let result = Lock<Swift.Result<Value, any Error>?>(nil)
}

private func checkTimesOut(line: Int = #line, _ body: () async throws -> Void) async {
    await checkFails(with: .timedOut, line: line, body)
}

private func checkShortage(line: Int = #line, _ body: () async throws -> Void) async {
    await checkFails(with: .system(.tooManyOpenFiles), line: line, body)
}

private func checkFails(with expected: FramingError, line: Int, _ body: () async throws -> Void) async {
    do {
        try await body()
        fail("line \(line): \(expected) was not thrown")
    } catch {
        if error as? FramingError != expected { fail("line \(line): \(error) is not \(expected)") }
    }
}
