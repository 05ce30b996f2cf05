import FDPassing
import ForkServer
import ForkbenchCore
import Syscalls

private let pace = ["--paced-us", "2000"]
private let pause = Duration.milliseconds(2)

/// From the request until the child's first byte, of servers with and without much in memory.
let aliveBenchmarks: [Benchmark] =
    [
        Benchmark(
            name: "forkserver.alive", layer: .forkserver,
            summary: "request until the child's first byte, one after the other",
            goal: .ratio(1.6, whenStatic: 1.2), placement: .apart, floor: ["forkserver-alive"] + spares,
            peer: ["forkserver-alive"]
        ) { context in try aliveSampler(context) },
        Benchmark(
            name: "forkserver.alive.paced", layer: .forkserver, summary: "the same with 2 ms between requests",
            goal: .ratio(1.6, whenStatic: 1.2), placement: .apart, floor: ["forkserver-alive"] + spares + pace,
            peer: ["forkserver-alive"] + pace
        ) { context in try aliveSampler(context, pause: pause) },
        Benchmark(
            name: "forkserver.alive.warm256", layer: .forkserver, summary: "paced, 256 MiB preloaded",
            goal: .ratio(1.5), placement: .apart,
            floor: ["forkserver-alive", "--preload-mib", "256", "--huge-pages", "1"] + spares + pace,
            peer: ["forkserver-alive", "--preload-mib", "256"] + pace
        ) { context in try aliveSampler(context, preloadedMiB: 256, pause: pause) },
        Benchmark(
            name: "forkserver.alive.warm256.cold", layer: .forkserver,
            summary: "the same without spares; the floor has small pages",
            goal: .ratio(0.15), placement: .apart, floor: ["forkserver-alive", "--preload-mib", "256"] + pace,
            peer: ["forkserver-alive", "--preload-mib", "256"] + pace
        ) { context in try aliveSampler(context, spares: .none, preloadedMiB: 256, pause: pause) },
    ] + preloadPlot

private let preloadPlot = [0, 64, 256, 1024].flatMap { mebibytes in
    let floor = ["forkserver-alive", "--preload-mib", "\(mebibytes)"] + pace
    return [
        Benchmark(
            name: "forkserver.preloaded.\(mebibytes).spares", layer: .forkserver, summary: "so many MiB preloaded",
            plot: PlotPoint(.preloadedMemory, line: "with spares", at: mebibytes), placement: .apart,
            floor: floor + ["--huge-pages", "1"] + spares
        ) { context in try aliveSampler(context, preloadedMiB: mebibytes, pause: pause) },
        Benchmark(
            name: "forkserver.preloaded.\(mebibytes).cold", layer: .forkserver, summary: "the same without spares",
            plot: PlotPoint(.preloadedMemory, line: "without spares", at: mebibytes), placement: .apart, floor: floor,
            peer: floor
        ) { context in try aliveSampler(context, spares: .none, preloadedMiB: mebibytes, pause: pause) },
    ]
}

/// A preload that every child has in memory: so much, all of it written to.
struct WarmMemory: Preload {
    let mebibytes: Int

    func load() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: mebibytes << 20, alignment: 16)
        // Never given back: it is there for as long as the server.
        memory.initializeMemory(as: UInt8.self, repeating: 7)
    }
}

private func aliveSampler(
    _ context: SampleContext, spares: ForkServer.Spares = .automatic, preloadedMiB: Int = 0, pause: Duration? = nil
) throws -> () throws -> UInt64 {
    var options = ForkServer.Options()
    if preloadedMiB > 0 { options.preloads = [WarmMemory(mebibytes: preloadedMiB)] }
    options.spares = spares
    let server = try context.startServer(options)
    return {
        if let pause { Deadline.after(pause).sleep() }
        // As in the floor: the clock runs from before the channel is made until the first byte.
        let start = Deadline.now
        let pipe = try Pipe()
        let child = try spawnFirstByte(server, pipe.writeEnd)
        guard try pipe.readEnd.descriptor.read(upTo: 1).count == 1 else {
            throw BenchmarkFailure(reason: "the child ended without a byte")
        }
        let time = nanoseconds(since: start)
        guard try child.wait() == .exited(0) else { throw BenchmarkFailure(reason: "the child failed") }
        return time
    }
}
