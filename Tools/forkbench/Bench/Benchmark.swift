/// One thing that is measured, and the floor that it is measured against.
struct Benchmark: Sendable {
    let name: String
    let layer: Layer
    let summary: String
    /// Whether it measures an emulation, which is for tests and not for speed: only on request.
    var isEmulated = false
    /// The number of idle descriptors, of a benchmark that is a point of the plot of `--html` alone.
    var idleInPlot: Int?
    /// Where the measuring process and its peers are pinned; both sides alike.
    let placement: Placement
    /// The floor in C: name and options of `forkbench-floor`.
    let floor: [String]
    /// Sets ours up; what it returns takes one sample, in nanoseconds.
    let makeSampler: @Sendable (SampleContext) throws -> () throws -> UInt64

    enum Placement: Sendable {
        /// Everything on one processor: for latencies, where a second one adds its wake-ups' noise.
        case together
        /// The measuring process on one, its peers on another: where both work at once.
        case apart
    }

    static let all: [Benchmark] =
        syscallsBenchmarks + fdPassingBenchmarks + framingBenchmarks + authBenchmarks + reactorBenchmarks
        + trackerBenchmarks + forkServerBenchmarks + poolBenchmarks
}

/// What a sampler is told of where it runs.
struct SampleContext: Sendable {
    let peerCPU: Int?
}
