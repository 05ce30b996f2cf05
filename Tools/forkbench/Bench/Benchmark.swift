import ForkbenchCore

/// One thing that is measured, and the floor that it is measured against.
struct Benchmark: Sendable {
    /// Its layer, what it measures, and what sets it apart from its neighbours: `layer.what.how`.
    let name: String
    let layer: Layer
    let summary: String
    var unit = Unit.microseconds
    /// What is good enough; `nil` where nobody has said.
    var goal: Goal?
    /// Whether it measures an emulation, which is for tests and not for speed: only on request.
    var isEmulated = false
    /// Of a benchmark that is a point of a plot of `--html` alone.
    var plot: PlotPoint?
    /// Where the measuring process and its peers are pinned; both sides alike.
    let placement: Placement
    /// The floor in C: name and options of `forkbench-floor`. `nil` where there is nothing to compare with.
    var floor: [String]?
    /// The same work in the peers' script: its name there, and options. `nil` where they have nothing like it, or `poolWork` tells.
    var peer: [String]?
    /// Sets ours up; what it returns takes one sample: nanoseconds, or KiB where that is the unit.
    let makeSampler: @Sendable (SampleContext) throws -> () throws -> UInt64

    enum Placement: Sendable {
        /// Everything on one processor: for latencies, where a second one adds its wake-ups' noise.
        case together
        /// The measuring process on one, its peers on another: where both work at once.
        case apart
        /// On all processors: where many workers are to be busy at once.
        case everywhere
    }

    /// What the peers do.
    var peerWork: [String]? { peer ?? poolWork[name] }

    /// A file of `Benchmarks` each, in the order of the layers.
    static let all: [Benchmark] =
        pipeBenchmarks + descriptorBenchmarks + roundtripBenchmarks + streamBenchmarks + handshakeBenchmarks
        + reactorBenchmarks + registerBenchmarks + aliveBenchmarks + rateBenchmarks + lifecycleBenchmarks
        + poolBenchmarks + poolPlotBenchmarks
}

/// What a sampler is told of where it runs.
struct SampleContext: Sendable {
    let peerCPU: Int?
}
