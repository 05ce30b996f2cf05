import ForkbenchCore
import Syscalls

extension Command {
    func runAll(_ arguments: [String]) throws -> Int32 {
        let session = try BenchSession(parse(arguments), layers: Set(Layer.allCases))
        try parse(arguments).expectNoRest()
        session.show("Checking every layer")
        let failed = Scenario.all.runAll(session.style) { session.show($0) }
        session.show("\nMeasuring every layer, each benchmark beside its floor in C")
        return max(failed == 0 ? 0 : 1, try session.run())
    }

    func runBench(_ arguments: [String]) throws -> Int32 {
        let parsed = try parse(arguments)
        return try BenchSession(parsed, layers: try parsed.layers()).run()
    }

    func runCompare(_ arguments: [String]) throws -> Int32 {
        let parsed = try parse(arguments)
        guard parsed.rest.count == 2 else { throw UsageError("compare: expected two files of --json") }
        let comparison = Comparison(try ReportFiles.read(parsed.rest[0]), try ReportFiles.read(parsed.rest[1]))
        let tolerance = try parsed.share("--tolerance") ?? Comparison.defaultTolerance
        let style = TerminalStyle(of: .standardOutput)
        for line in comparison.lines(tolerance: tolerance, style) { print(line) }
        return comparison.regressions(tolerance: tolerance).isEmpty ? 0 : 1
    }
}

/// A run of benchmarks, from the options to the exit code.
private struct BenchSession {
    private let benchmarks: [Benchmark]
    private let files: ReportFiles
    private let benchmarkRun: BenchmarkRun
    private let baseline: Report?
    private let tolerance: Double

    init(_ arguments: Arguments, layers: Set<Layer>) throws {
        let filter = arguments.values["--filter"]
        let wantsPlots = arguments.values["--html"] != nil
        benchmarks = Benchmark.all.filter { benchmark in
            layers.contains(benchmark.layer) && filter.map { benchmark.name.contains($0) } ?? true
                && (!benchmark.isEmulated || arguments.flags.contains("--emulated"))
                && (benchmark.plot == nil || wantsPlots)
        }
        guard !benchmarks.isEmpty else {
            throw UsageError("no benchmark of these layers matches; see forkbench list")
        }
        baseline = try arguments.values["--baseline"].map { path throws(UsageError) in try ReportFiles.read(path) }
        tolerance = try arguments.share("--tolerance") ?? Comparison.defaultTolerance
        let repetitions = try arguments.positiveNumber("--repeat") ?? 1
        files = try ReportFiles(arguments)
        benchmarkRun = BenchmarkRun(
            plan: arguments.flags.contains("--quick") ? .quick : .standard, peers: try Peers(arguments.list("--peers")),
            repetitions: repetitions)
    }

    private var tableDescriptor: FileDescriptor { files.useStandardOutput ? .standardError : .standardOutput }

    var style: TerminalStyle { TerminalStyle(of: tableDescriptor) }

    func show(_ line: String) {
        do throws(Errno) {
            try tableDescriptor.writeAll(line + "\n")
        } catch {
            // Nobody reads it any more. What is to be in files is measured all the same.
            if files.isEmpty { Interruption.request() }
        }
    }

    /// Returns the exit code.
    func run() throws -> Int32 {
        try Interruption.watch()
        let report = try benchmarkRun.run(benchmarks, style: style, show: show)
        try files.write(report)
        var isWorse = false
        if let baseline {
            let comparison = Comparison(baseline, report)
            show("\nBeside the baseline of \(baseline.host.started)")
            comparison.lines(tolerance: tolerance, style).forEach(show)
            isWorse = !comparison.regressions(tolerance: tolerance).isEmpty
        }
        if report.isInterrupted { return Interruption.exitCode }
        return report.failures.isEmpty && !isWorse ? 0 : 1
    }
}
