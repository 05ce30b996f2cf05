import FDPassing
import ForkServer
import ForkbenchCore
import Syscalls

/// How many children are asked for in a sample, and how many of them are under way at a time.
private let (childrenPerSample, childrenUnderWay) = (64, 8)

/// How many children one client gets from a server that has always something to do.
let rateBenchmarks: [Benchmark] = [
    Benchmark(
        name: "forkserver.rate", layer: .forkserver, summary: "children a second, sustained, by one client",
        unit: .perSecond, goal: .ratio(1.8, whenStatic: 1.2), placement: .apart,
        floor: ["forkserver-rate", "--repeat", "\(childrenPerSample)", "--under-way", "\(childrenUnderWay)"]
            + spares,
        peer: ["forkserver-rate", "--repeat", "\(childrenPerSample)", "--under-way", "\(childrenUnderWay)"]
    ) { context in try rateSampler(context) }
]

/// Children one after the other, where the oldest is waited for when there are enough under way.
private func rateSampler(_ context: SampleContext) throws -> () throws -> UInt64 {
    let server = try context.startServer()
    return {
        try nanoseconds {
            var underWay: [(child: ChildProcess, output: KeptDescriptor)] = []
            for number in 0..<childrenPerSample + childrenUnderWay {
                if number >= childrenUnderWay {
                    // Its pipe is open until it has ended.
                    let oldest = underWay.removeFirst()
                    guard try oldest.child.wait() == .exited(0) else {
                        throw BenchmarkFailure(reason: "a child failed")
                    }
                    withExtendedLifetime(oldest) {}
                }
                if number < childrenPerSample {
                    let pipe = try Pipe()
                    let child = try spawnFirstByte(server, pipe.writeEnd)
                    underWay.append((child, KeptDescriptor(pipe.readEnd)))
                }
            }
        } / UInt64(childrenPerSample)
    }
}
