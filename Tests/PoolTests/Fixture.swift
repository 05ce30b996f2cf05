import FDPassing
import ForkServer
import ForkServerTestPrograms
import Pool
import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

/// A server for one test, with a tracker that ends only when everybody who shares it is gone: server and workers.
struct PoolFixture {
    let server: ForkServer
    private let tracker: ResourceTracker

    init(_ options: ForkServer.Options = hosted()) {
        tracker = ResourceTracker(executable: executableDirectory + "/ForkServerHost")
        var options = options
        options.resourceTracker = tracker
        server = ForkServer(options)
    }

    func checkNothingLeft() throws {
        server.shutDown()
        let status = try tracker.close()
        #expect(status == nil || status == .exited(0))
    }
}

/// Options of a server that this test runner, which cannot be one, starts from a host; changed as the closure says.
func hosted(_ configure: (inout ForkServer.Options) -> Void = { _ in }) -> ForkServer.Options {
    var options = ForkServer.Options()
    options.executable = executableDirectory + "/ForkServerHost"
    options.gracePeriod = .milliseconds(100)
    configure(&options)
    return options
}

/// A pool for one test. In the end it is shut down, and nobody of it is left.
func withPool(
    workers: Int = 2, _ options: ForkServer.Options = hosted(), pool poolOptions: Pool.Options = Pool.Options(),
    _ body: (Pool) throws -> Void
) throws {
    let fixture = PoolFixture(options)
    do {
        let pool = try Pool(workers: workers, server: fixture.server, options: poolOptions)
        // After a failure tasks may wait for ever.
        do { try body(pool) } catch {
            pool.terminate()
            throw error
        }
        pool.shutDown()
        #expect(pool.workerProcessIDs.isEmpty)
    }
    try fixture.checkNothingLeft()
}

/// The same for async code.
func withPoolInTask(
    workers: Int = 2, pool poolOptions: Pool.Options = Pool.Options(), _ body: (Pool) async throws -> Void
) async throws {
    let fixture = PoolFixture()
    do {
        let pool = try Pool(workers: workers, server: fixture.server, options: poolOptions)
        do { try await body(pool) } catch {
            await pool.terminate()
            throw error
        }
        await pool.shutDown()
        #expect(pool.workerProcessIDs.isEmpty)
    }
    try await blocking { try fixture.checkNothingLeft() }
}

/// A task that holds a worker until it is let go.
final class HeldTask: Sendable {
    let task: Hold
    private let started: OwnedFileDescriptor
    private let gate: Lock<OwnedFileDescriptor?>

    init() throws {
        let started = try Pipe()
        let gate = try Pipe()
        task = Hold(started: PassedDescriptor(started.writeEnd), gate: PassedDescriptor(gate.readEnd))
        self.started = started.readEnd
        self.gate = Lock(gate.writeEnd)
    }

    /// The worker that has begun it. Blocks until one has.
    func worker() throws -> ProcessID {
        let line = try started.descriptor.readLine()
        guard let number = Int32(line) else { throw UnexpectedReport(line: line) }
        return ProcessID(rawValue: number)
    }

    func letGo() {
        gate.withLock { $0 = nil }
    }
}

/// A file whose size tells how many tasks ran.
struct RunCounter: ~Copyable {
    private let directory: TemporaryDirectory
    let file: PassedDescriptor

    init() throws {
        let directory = try TemporaryDirectory()
        file = PassedDescriptor(try directory.create("runs"))
        self.directory = directory
    }

    func count() throws -> Int { Int(try file.descriptor!.status().size) }
}

extension Result where Failure == PoolError {
    /// The worker whose death the task ended with, if it did.
    var lostWorker: WorkerDeath? {
        if case .failure(.workerDied(let death)) = self { death } else { nil }
    }
}

/// A pool's options, changed as the closure says.
func poolOptions(_ configure: (inout Pool.Options) -> Void) -> Pool.Options {
    var options = Pool.Options()
    configure(&options)
    return options
}

/// A pool in which so many tasks may wait, and more are refused.
func refusing(beyond limit: Int) -> Pool.Options {
    poolOptions {
        $0.queueLimit = limit
        $0.whenFull = .refuse
    }
}

/// What becomes of many tasks, those that fail in `PoolError` alone.
func outcomes<Output>(_ results: PoolResults<Output>) throws -> [Result<Output, PoolError>] {
    try results.map { result in try outcome { try result.get() } }
}

/// How a task ended that may only end in `PoolError`.
func outcome<Value>(_ body: () throws -> Value) throws -> Result<Value, PoolError> {
    do { return .success(try body()) } catch let error as PoolError { return .failure(error) }
}

func asyncOutcome<Value>(_ body: () async throws -> Value) async throws -> Result<Value, PoolError> {
    do { return .success(try await body()) } catch let error as PoolError { return .failure(error) }
}
