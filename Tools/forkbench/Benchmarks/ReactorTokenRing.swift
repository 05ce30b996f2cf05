import ForkbenchCore
import Reactor
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private let pipeCount = 64
private let hopCount = 640

/// A hop of a token round pipes, alone and beside idle descriptors.
func tokenRingBenchmarks(_ backend: MeasuredBackend) -> [Benchmark] {
    func benchmark(_ name: String, _ summary: String, idle: Int, goal: Goal?, plot: PlotPoint? = nil) -> Benchmark {
        let floor = ["--backend", backend.floor, "--descriptors", "\(pipeCount)", "--idle", "\(idle)"]
        return Benchmark(
            name: "\(backend.prefix).\(name)", layer: .reactor, summary: summary, goal: goal,
            isEmulated: backend.isEmulated, plot: plot, placement: .together,
            floor: ["loop"] + floor + ["--hops", "\(hopCount)"]
        ) { [type = backend.type] _ in try tokenRing(type, idle: idle) }
    }
    return [
        benchmark("ping", "per hop of a token passed round \(pipeCount) pipes", idle: 0, goal: backend.goal),
        benchmark("idle10k", "the same beside 10,000 idle descriptors", idle: 10_000, goal: backend.goal),
    ]
        + [10, 100, 1000, 10_000].map { idle in
            benchmark(
                "idle.\(idle)", "a hop beside so many idle descriptors", idle: idle, goal: nil,
                plot: PlotPoint(.idleDescriptors, line: backend.type.name, at: idle))
        }
}

/// Passes a byte round pipes: each handler reads it from its own and writes it to the next.
private func tokenRing(_ backend: any ReactorBackend.Type, idle: Int) throws -> () throws -> UInt64 {
    if idle > 0 { try ResourceLimit.raiseOpenFiles() }
    let reactor = try Reactor(backend: backend)
    let pipes = try (0..<pipeCount).map { _ in KeptPipe(try Pipe()) }
    let ring = Ring()
    for (index, pipe) in pipes.enumerated() {
        let readEnd = pipe.readEnd
        let next = pipes[(index + 1) % pipeCount].writeEnd
        try reactor.addReader(readEnd) { _ in ring.pass(from: readEnd, to: next) }
    }
    #if os(Linux)
        for _ in 0..<idle {
            let counter = KeptCounter(try EventCounter())
            ring.idle.append(counter)
            try reactor.addReader(counter.descriptor) { _ in }
        }
    #endif
    return {
        ring.hopsLeft = hopCount
        return try nanoseconds {
            ring.pass(to: pipes[0].writeEnd)
            while ring.hopsLeft > 0 { try reactor.runOnce() }
            if let failure = ring.failure { throw failure }
        } / UInt64(hopCount)
    }
}

private final class Ring {
    var hopsLeft = 0
    var failure: Errno?
    #if os(Linux)
        var idle: [KeptCounter] = []
    #endif
    private let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)

    deinit { byte.deallocate() }

    // The C library's calls, as in the floor: what is measured is the reactor, and not that our writes raise no SIGPIPE.

    func pass(from readEnd: FileDescriptor, to writeEnd: FileDescriptor) {
        if read(readEnd.rawValue, byte.baseAddress, 1) != 1 { failure = Errno(rawValue: errno) }
        hopsLeft -= 1
        if hopsLeft > 0 { pass(to: writeEnd) }
    }

    func pass(to writeEnd: FileDescriptor) {
        if write(writeEnd.rawValue, byte.baseAddress, 1) != 1 {
            failure = Errno(rawValue: errno)
            hopsLeft = 0
        }
    }
}

#if os(Linux)
    private final class KeptCounter {
        private let counter: EventCounter

        init(_ counter: consuming EventCounter) { self.counter = counter }

        var descriptor: FileDescriptor { counter.owned.descriptor }
    }
#endif
