import ForkbenchCore

/// The measuring of one benchmark.
final class Measurement {
    private let benchmark: Benchmark
    private let plan: BenchmarkRun.Plan
    private let peers: [Peer]
    private var ours = Samples()
    private var floor = Samples()
    private var ofPeers: [Samples]
    private(set) var failedPeers: [Report.Failure] = []

    init(_ benchmark: Benchmark, plan: BenchmarkRun.Plan, peers: [Peer]) {
        self.benchmark = benchmark
        self.plan = plan
        self.peers = peers
        ofPeers = peers.map { _ in Samples() }
    }

    /// Measures with fresh processes; what comes is added to what there is.
    ///
    /// - Parameter beganRound: Told the number of each round as it begins.
    func run(beganRound: (Int) -> Void) throws {
        let cpus = CPUPlacement(benchmark.placement)
        let ours = try Side(SampleProcess.ours(benchmark, cpus), plan)
        defer { ours.process.finish() }
        let floor = try benchmark.floor.map { try Side(SampleProcess.floor($0, cpus), plan) }
        defer { floor?.process.finish() }
        let others = peers.map { peer in startPeer(peer, cpus) }
        defer { for other in others { other?.process.finish() } }

        for round in 0..<plan.mostRounds {
            beganRound(round + 1)
            // Who goes second finds the caches as the first has left them: in turns.
            let isFloorFirst = !round.isMultiple(of: 2)
            if isFloorFirst, let floor { self.floor.append(round: try floor.takeRound()) }
            self.ours.append(round: try ours.takeRound())
            if !isFloorFirst, let floor { self.floor.append(round: try floor.takeRound()) }
            for (index, other) in others.enumerated() { takeFromPeer(index, other) }
            if Interruption.hasCome { throw Interrupted() }
            if round + 1 >= plan.fewestRounds, isCertain { break }
        }
    }

    private var isCertain: Bool {
        benchmark.floor == nil
            || Estimate(ratioOf: ours, to: floor).map { $0.uncertainty <= plan.wantedUncertainty } ?? false
    }

    /// A peer's failure is its own: our figures do not depend on it.
    private func startPeer(_ peer: Peer, _ cpus: CPUPlacement) -> Side? {
        do {
            return try Side(SampleProcess.peer(peer, benchmark.peerWork ?? [], cpus), plan)
        } catch {
            note(peer, error)
            return nil
        }
    }

    private func takeFromPeer(_ index: Int, _ side: Side?) {
        guard let side, !side.hasFailed else { return }
        do {
            ofPeers[index].append(round: try side.takeRound())
        } catch {
            side.hasFailed = true
            note(peers[index], error)
        }
    }

    private func note(_ peer: Peer, _ error: any Error) {
        guard !Interruption.hasCome else { return }
        failedPeers.append(Report.Failure(name: peer.name, reason: "\(benchmark.name): \(error)"))
    }

    var result: BenchmarkResult {
        BenchmarkResult(
            name: benchmark.name, layer: benchmark.layer, unit: benchmark.unit, samples: ours.count,
            ours: Distribution(ours.sorted, in: benchmark.unit),
            typical: Estimate(medianOf: ours)?.map { benchmark.unit.figure(ofSample: $0) },
            floor: floor.count > 0 ? Distribution(floor.sorted, in: benchmark.unit) : nil,
            ratio: Estimate(ratioOf: ours, to: floor), goal: benchmark.goal, plot: benchmark.plot,
            peers: zip(peers, ofPeers).filter { $1.count > 0 }.map { peer, samples in
                .init(name: peer.name, distribution: Distribution(samples.sorted, in: benchmark.unit))
            })
    }
}

/// One side of a measurement: its process, and how many samples it takes in a round.
private final class Side {
    let process: SampleProcess
    private let count: Int
    var hasFailed = false

    /// Finds out how many samples fill a round. What is taken for that warms the process up, and is dropped.
    init(_ process: SampleProcess, _ plan: BenchmarkRun.Plan) throws {
        self.process = process
        // The very first one meets cold caches and pages never touched: it says nothing of the others.
        _ = try process.take(1)
        var count = 1
        while true {
            let time = try nanoseconds { _ = try process.take(count) }
            if time > plan.roundTime / 8 || count >= plan.mostSamplesARound {
                let fitting = UInt64(count) * plan.roundTime / max(1, time)
                self.count = max(1, min(Int(fitting), plan.mostSamplesARound))
                return
            }
            count *= 2
        }
    }

    func takeRound() throws -> [UInt64] { try process.take(count) }
}
