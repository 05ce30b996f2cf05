import ForkbenchCore
import Syscalls
import TestSupport
import Testing

/// The program itself, as people call it.
@Suite("Forkbench: the program") struct ProgramTests {
    private func forkbench(_ arguments: String...) throws -> HelperOutcome { try runHelper("forkbench", arguments) }

    private func readReport(_ path: String) throws -> Report {
        let file = try OwnedFileDescriptor.open(path, .readOnly)
        return try Report(JSON(parsing: String(decoding: file.descriptor.readToEnd(), as: UTF8.self)))
    }

    @Test("a run leaves a report, in which ours and the floor have figures")
    func bench() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("report.json")
        let outcome = try forkbench("bench", "framing", "--filter", "roundtrip", "--quick", "--json", path)
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
        let report = try readReport(path)
        #expect(report.results.map(\.name) == ["framing.roundtrip.64B"])
        let result = try #require(report.results.first)
        let floor = try #require(result.floor)
        #expect(result.samples > 0 && result.median > 0 && floor.median > 0)
        #expect(!report.isInterrupted)
        #expect(outcome.output.contains("framing.roundtrip.64B"))
        #expect(!outcome.output.contains("\u{1B}"))
    }

    @Test("with JSON on standard output there is nothing else, and the table is on standard error")
    func standardOutput() throws {
        let outcome = try forkbench("bench", "syscalls", "--quick", "--json", "-")
        #expect(outcome.status == .exited(0))
        #expect(try Report(JSON(parsing: outcome.output)).results.count == 1)
        #expect(outcome.errors.contains("syscalls.pipe.64B"))
    }

    @Test("a peer that is not there is said, on the table and in the report, and costs the run nothing")
    func missingPeer() throws {
        let outcome = try forkbench("bench", "syscalls", "--quick", "--peers", "python0.1", "--json", "-")
        #expect(outcome.status == .exited(0))
        #expect(try Report(JSON(parsing: outcome.output)).missingPeers.map(\.name) == ["python0.1"])
        #expect(outcome.errors.contains("no figures of python0.1"))
    }

    @Test(
        "each Python does each kind of work beside ours",
        .enabled(if: !Python.installed.isEmpty, "there is no Python to be a peer"),
        arguments: [
            ("framing", "roundtrip"), ("fdpass", "oneway"), ("auth", "handshake"), ("tracker", "register"),
            ("forkserver", "lifecycle"), ("pool", "pool.roundtrip"),
        ])
    func peers(layer: String, filter: String) throws {
        let pythons = Python.installed
        let peers = pythons.map(\.path).joined(separator: ",")
        let outcome = try forkbench("bench", layer, "--filter", filter, "--quick", "--peers", peers, "--json", "-")
        #expect(outcome.status == .exited(0), "\(outcome.errors)")
        let report = try Report(JSON(parsing: outcome.output))
        let expected = Set(pythons.map { "cpython-\($0.version) multiprocessing" })
        for result in report.results {
            #expect(expected.isSubset(of: result.peers.map(\.name)), "\(result.name): \(outcome.errors)")
            #expect(result.peers.allSatisfy { $0.median > 0 })
        }
        #expect(!report.results.isEmpty)
    }

    @Test("compare exits with 0, 1 and 2: as good, worse, no report")
    func compare() throws {
        let directory = try TemporaryDirectory()
        let paths = try [1.5, 3].map { ratio in
            let path = directory.file("\(ratio).json")
            let result = BenchmarkResult.fixture(ratio: Estimate(value: ratio, low: ratio * 0.99, high: ratio * 1.01))
            let file = try OwnedFileDescriptor.open(path, [.writeOnly, .create])
            try file.descriptor.writeAll(Report.fixture([result]).json.text())
            return path
        }
        #expect(try forkbench("compare", paths[0], paths[0]).status == .exited(0))
        #expect(try forkbench("compare", paths[1], paths[0]).status == .exited(0))
        #expect(try forkbench("compare", paths[0], paths[1]).status == .exited(1))
        #expect(try forkbench("compare", paths[0], paths[1], "--tolerance", "150").status == .exited(0))
        #expect(try forkbench("compare", paths[0], "/dev/null").status == .exited(2))
        #expect(try forkbench("compare", paths[0]).status == .exited(2))
    }

    @Test("a run that is interrupted writes what had ended, exits with 130, and leaves no process behind")
    func interruption() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("report.json")
        let output = try Pipe()
        let errors = try Pipe()
        var program = try HelperProcess(
            "forkbench", ["bench", "syscalls", "forkserver", "--json", path],
            descriptors: [1: output.writeEnd.descriptor, 2: errors.writeEnd.descriptor])
        output.writeEnd.discard()
        errors.writeEnd.discard()
        // Its first benchmark has ended.
        var said = ""
        while !said.contains("syscalls.pipe.64B") {
            let bytes = try output.readEnd.descriptor.read(upTo: 4096)
            try #require(!bytes.isEmpty, "it ended by itself: \(said)")
            said += String(decoding: bytes, as: UTF8.self)
        }
        try program.process.send(.interrupt)
        #expect(try program.waitForOutcome().status == .exited(130))
        let report = try readReport(path)
        #expect(report.isInterrupted)
        #expect(report.results.first?.name == "syscalls.pipe.64B")
        #expect(report.results.count < 5)
        // Every process that it started has its standard error: the end of that is the end of them all.
        let rest = try errors.readEnd.descriptor.readToEnd()
        #expect(rest.isEmpty, "\(String(decoding: rest, as: UTF8.self))")
    }

    @Test("check runs the scenarios of a filter, and says so when there are none")
    func check() throws {
        let outcome = try forkbench("check", "--filter", "exit code is told")
        #expect(outcome.status == .exited(0))
        #expect(outcome.output.hasPrefix("ok      syscalls"))
        #expect(outcome.output.hasSuffix("All 1 passed.\n"))
        #expect(try forkbench("check", "--filter", "nothing like this").status == .exited(2))
    }

    @Test(
        "nonsense is one line that says what to do, and exit code 2",
        arguments: [
            (["frob"], "is no command"), (["bench", "colour"], "is no layer"),
            (["bench", "--jsn", "x"], "unknown option"), (["bench", "--json", "/nowhere/x"], "cannot be written"),
            (["bench", "--json", "-", "--csv", "-"], "given twice"),
            (["compare", "/nowhere/a", "b"], "cannot be read"),
            (["completions", "tcsh"], "expected one of: bash, zsh, fish"), (["all", "pool"], "takes no arguments"),
        ])
    func usage(arguments: [String], expected: String) throws {
        let outcome = try runHelper("forkbench", arguments)
        #expect(outcome.status == .exited(2))
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("forkbench: ") && outcome.errors.contains(expected), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }
}
