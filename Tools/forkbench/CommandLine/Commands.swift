import ForkbenchCore
import Syscalls

extension Command {
    func runAll(_ arguments: [String]) throws -> Int32 {
        let parsed = try Arguments(arguments, command: self)
        guard parsed.rest.isEmpty else { throw UsageError("all: takes no arguments; see forkbench --help") }
        print("Checking every layer")
        let failed = Scenario.runAll(in: Set(Layer.allCases))
        print("\nMeasuring every layer, each benchmark beside its floor in C")
        let run = BenchmarkRun(plan: .standard, peers: .none)
        let report = try run.run(Benchmark.all.filter { !$0.isEmulated && $0.plot == nil }, style: .plain) { print($0) }
        return failed == 0 && report.failures.isEmpty ? 0 : 1
    }

    func runCheck(_ arguments: [String]) throws -> Int32 {
        let layers = try Arguments(arguments, command: self).layers()
        return Scenario.runAll(in: layers) == 0 ? 0 : 1
    }

    func runBench(_ arguments: [String]) throws -> Int32 {
        let parsed = try Arguments(
            arguments, command: self, flags: ["--quick", "--emulated"],
            valued: ["--filter", "--json", "--html", "--peers"])
        let layers = try parsed.layers()
        let filter = parsed.values["--filter"]
        let chosen = Benchmark.all.filter { benchmark in
            layers.contains(benchmark.layer) && filter.map { benchmark.name.contains($0) } ?? true
                && (!benchmark.isEmulated || parsed.flags.contains("--emulated"))
                && (benchmark.plot == nil || parsed.values["--html"] != nil)
        }
        guard !chosen.isEmpty else {
            throw UsageError("bench: no benchmark of these layers matches; see forkbench list")
        }
        let json = parsed.values["--json"]
        // Opened first: a run of a minute shall not end with a path that cannot be written.
        let file = try json.flatMap { path throws(UsageError) in
            path == "-" ? nil : try OutputFile(path)
        }
        let page = try parsed.values["--html"].map { path throws(UsageError) in try OutputFile(path) }
        let peers = try Peers(parsed.values["--peers"]?.split(separator: ",").map(String.init) ?? [])
        let run = BenchmarkRun(plan: parsed.flags.contains("--quick") ? .quick : .standard, peers: peers)
        try Interruption.watch()
        let report = try run.run(chosen, style: .plain) { line in
            if json == "-" { standardErrorLine(line) } else { print(line) }
        }
        if json == "-" { print(report.json.text()) }
        try file?.write(report.json.text() + "\n")
        try page?.write(ReportPage(report).html)
        return report.failures.isEmpty ? 0 : 1
    }

    func runList(_ arguments: [String]) throws -> Int32 {
        let parsed = try Arguments(arguments, command: self)
        guard parsed.rest.isEmpty else { throw UsageError("list: takes no arguments; see forkbench list --help") }
        print("Benchmarks")
        for benchmark in Benchmark.all where benchmark.plot == nil {
            let note = benchmark.isEmulated ? " (with --emulated)" : ""
            print("  \(benchmark.name.padded(to: 38))\(benchmark.summary)\(note)")
        }
        print("\nScenarios")
        for scenario in Scenario.all { print("  \(scenario.layer.rawValue.padded(to: 38))\(scenario.name)") }
        return 0
    }
}

/// A file named on the command line, to be written at the end.
private final class OutputFile {
    private let file: OwnedFileDescriptor

    init(_ path: String) throws(UsageError) {
        do throws(Errno) {
            file = try OwnedFileDescriptor.open(path, [.writeOnly, .create, .truncate])
        } catch {
            throw UsageError("“\(path)” cannot be written: \(error)")
        }
    }

    func write(_ text: String) throws(Errno) {
        try file.descriptor.writeAll(text)
    }
}
