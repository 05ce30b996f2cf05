import ForkbenchCore
import Syscalls

/// Runs benchmarks, each in rounds in which ours, the floor and the peers take turns, so that all meet the same moods of the
/// machine.
struct BenchmarkRun {
    let plan: Plan
    let peers: Peers
    /// How many times each benchmark is measured, with fresh processes, whose memory lies elsewhere.
    var repetitions = 1

    struct Plan {
        let fewestRounds: Int
        let mostRounds: Int
        /// Nanoseconds that each side measures in a round, about.
        let roundTime: UInt64
        let mostSamplesARound: Int
        /// Rounds end when the ratio is as certain as this.
        let wantedUncertainty: Double

        static let standard = Plan(
            fewestRounds: 10, mostRounds: 20, roundTime: 60_000_000, mostSamplesARound: 1000, wantedUncertainty: 0.01)
        static let quick = Plan(
            fewestRounds: 3, mostRounds: 3, roundTime: 20_000_000, mostSamplesARound: 100, wantedUncertainty: 1)
        /// For a point of a plot, which has neighbours to be judged by.
        static let point = Plan(
            fewestRounds: 5, mostRounds: 8, roundTime: 30_000_000, mostSamplesARound: 300, wantedUncertainty: 0.03)
    }

    /// Runs them in order; `show` gets the table line by line.
    func run(_ benchmarks: [Benchmark], style: TerminalStyle, show: (String) -> Void) throws -> Report {
        var report = Report(host: .current)
        report.missingPeers = peers.missing.map { Report.Failure(name: $0.name, reason: $0.reason) }
        let table = Table(style)
        var progress = Progress()
        table.header(of: report.host).forEach(show)
        let start = Deadline.now
        for (index, benchmark) in benchmarks.enumerated() {
            let plan = benchmark.plot == nil || self.plan.mostRounds < Plan.point.mostRounds ? self.plan : .point
            let measurement = Measurement(benchmark, plan: plan, peers: peers.able(to: benchmark.peerWork))
            do {
                for repetition in 0..<repetitions {
                    try measurement.run { round in
                        let times = repetitions > 1 ? "repetition \(repetition + 1), " : ""
                        progress.show(
                            "[\(index + 1)/\(benchmarks.count)] \(benchmark.name): \(times)round \(round)"
                                + Self.timeLeft(since: start, done: index, of: benchmarks.count))
                    }
                }
                progress.clear()
                report.results.append(measurement.result)
                if benchmark.plot == nil { table.lines(of: measurement.result).forEach(show) }
            } catch {
                progress.clear()
                if Interruption.hasCome { break }
                report.failures.append(Report.Failure(name: benchmark.name, reason: "\(error)"))
                show(table.line(of: report.failures.last!))
            }
            report.missingPeers += measurement.failedPeers
        }
        report.isInterrupted = Interruption.hasCome
        table.footer(of: report).forEach(show)
        return report
    }
}

extension BenchmarkRun {
    /// What is left if the rest takes as long as what is done; nothing as long as that says little.
    private static func timeLeft(since start: Deadline, done: Int, of count: Int) -> String {
        guard done > 2 else { return "" }
        let seconds = Int((Deadline.now - start).components.seconds) * (count - done) / done
        return seconds < 60 ? ", less than a minute left" : ", about \(seconds / 60 + 1) minutes left"
    }
}

/// Raised between rounds when Ctrl-C has come.
struct Interrupted: Error {}
