import FDPassing
import ForkServer
import Pool
import ResourceTracker
import Syscalls

let trackerBenchmarks = [
    Benchmark(
        name: "tracker.register", layer: .tracker, summary: "register and unregister a name, per pair",
        placement: .together, floor: ["tracker-register", "--bytes", "40", "--repeat", "5000"]
    ) { context in
        let tracker = ResourceTracker()
        try tracker.start()
        try pin(tracker.processID, context)
        // A REGISTER line of 40 bytes.
        let name = "/forkbench-12345"
        return {
            try nanoseconds {
                for _ in 0..<5000 {
                    try tracker.register(name, .sharedMemory)
                    try tracker.unregister(name, .sharedMemory)
                }
            } / 5000
        }
    }
]

let forkServerBenchmarks = [
    Benchmark(
        name: "forkserver.alive", layer: .forkserver,
        summary: "request until the child's first byte, one after the other",
        placement: .apart, floor: ["forkserver-alive"]
    ) { context in try aliveSampler(context, pause: nil) },
    Benchmark(
        name: "forkserver.alive.paced", layer: .forkserver, summary: "the same with 2 ms between requests",
        placement: .apart, floor: ["forkserver-alive", "--paced-us", "2000"]
    ) { context in try aliveSampler(context, pause: .milliseconds(2)) },
    Benchmark(
        name: "forkserver.lifecycle", layer: .forkserver, summary: "request, run, exit, status received",
        placement: .apart, floor: ["forkserver-lifecycle"]
    ) { context in
        let server = try startServer(context)
        return {
            let pipe = try Pipe()
            return try nanoseconds {
                let child = try server.spawn(FirstByte(output: PassedDescriptor(duplicating: pipe.writeEnd.descriptor)))
                guard try child.wait() == .exited(0) else { throw BenchmarkFailure(reason: "the child failed") }
            }
        }
    },
]

let poolBenchmarks = [
    Benchmark(
        name: "pool.roundtrip", layer: .pool, summary: "one small task on a blocking caller; the floor is a ping-pong",
        placement: .together, floor: ["roundtrip", "--bytes", "64"]
    ) { context in
        let pool = try startPool(context)
        return {
            try nanoseconds {
                guard try pool.run(Increment(number: 1)) == 2 else { throw BenchmarkFailure(reason: "another result") }
            }
        }
    }
]

/// The child of the fork server's benchmarks: writes a byte, and is done.
struct FirstByte: ChildProgram {
    let output: PassedDescriptor

    func run(in child: ChildContext) throws {
        try output.descriptor?.writeAll([1])
    }
}

/// The task of the pool's benchmarks.
struct Increment: PoolTask {
    let number: Int

    func run(in context: WorkerContext) -> Int { number + 1 }
}

private func aliveSampler(_ context: SampleContext, pause: Duration?) throws -> () throws -> UInt64 {
    let server = try startServer(context)
    return {
        if let pause { Deadline.after(pause).sleep() }
        // As in the floor: the clock runs from before the channel is made until the first byte.
        let start = Deadline.now
        let pipe = try Pipe()
        let writeEnd = PassedDescriptor(pipe.writeEnd)
        let child = try server.spawn(FirstByte(output: writeEnd))
        writeEnd.take()?.discard()
        guard try pipe.readEnd.descriptor.read(upTo: 1).count == 1 else {
            throw BenchmarkFailure(reason: "the child ended without a byte")
        }
        let time = nanoseconds(since: start)
        guard try child.wait() == .exited(0) else { throw BenchmarkFailure(reason: "the child failed") }
        return time
    }
}

private func startServer(_ context: SampleContext) throws -> ForkServer {
    let server = ForkServer()
    try server.start()
    try pin(server.processID, context)
    return server
}

private func startPool(_ context: SampleContext) throws -> Pool {
    let pool = try Pool(workers: 1, server: try startServer(context))
    // The worker is up once it has answered.
    _ = try pool.run(Increment(number: 0))
    return pool
}

/// Pins a process to the peer's processor; what it forks from now on inherits that.
private func pin(_ process: ProcessID?, _ context: SampleContext) throws {
    #if os(Linux)
        if let process, let cpu = context.peerCPU { try process.setAffinity([cpu]) }
    #endif
}
