import ForkbenchCore
import Testing

@Suite("Forkbench: reports") struct ReportTests {
    @Test("the JSON has the members of schema 1, with their types")
    func schema() throws {
        let report = Report.fixture([
            .fixture(peers: [("cpython-3.11 multiprocessing", 4185)]),
            .fixture(name: "forkserver.rate", unit: .perSecond, median: 5000),
        ])
        let json = try JSON(parsing: report.json.text())
        #expect(json["schema"]?.int == 1)
        for fact in ["system", "release", "machine", "processor", "swift", "build", "linking", "pinning", "started"] {
            #expect(json["host"]?[fact]?.string != nil, "\(fact)")
        }
        #expect(json["host"]?["processors"]?.int == 2)
        let first = try #require(json["results"]?.elements?.first)
        #expect(first["name"]?.string == "framing.roundtrip.64B")
        #expect(first["layer"]?.string == "Framing")
        #expect(first["unit"]?.string == "us")
        #expect(first["better"]?.string == "lower")
        for member in ["median", "p90", "p99", "floor", "ratio", "ratio_low", "ratio_high"] {
            #expect(first[member]?.double != nil, "\(member)")
        }
        #expect(first["samples"]?.int == 400)
        #expect(first["ratio"]?.double == 1.5)
        #expect(first["goal_met"]?.bool == true)
        #expect(first["peers"]?["cpython-3.11 multiprocessing"]?.double == 4185)
        let second = try #require(json["results"]?.elements?.last)
        #expect(second["unit"]?.string == "/s")
        #expect(second["better"]?.string == "higher")
        #expect(second["peers"]?.members?.isEmpty == true)
    }

    @Test("a report that is read is the one that was written")
    func roundTrip() throws {
        var report = Report.fixture([
            .fixture(peers: [("loky", 200)]),
            .fixture(name: "pool.worker.memory", unit: .kibibytes, ratio: nil, goal: .atMost(2048)),
            .fixture(name: "pool.map.chunked", unit: .perSecond, goal: .timesBetterThanPeers(2)),
            .fixture(name: "framing.payload.64", plot: PlotPoint(.payload, line: "Framing", at: 64)),
        ])
        report.failures = [Report.Failure(name: "auth.handshake", reason: "it ended")]
        report.missingPeers = [Report.Failure(name: "python3.99", reason: "it is not found")]
        report.isInterrupted = true
        let read = try Report(JSON(parsing: report.json.text()))
        #expect(read.json.text() == report.json.text())
        #expect(read.host == report.host)
        #expect(read.missingPeers == report.missingPeers && read.failures == report.failures)
        #expect(read.isInterrupted)
        #expect(read.tableResults.count == 3)
    }

    @Test(
        "what is no report says why",
        arguments: [
            ("{}", "no report"), ("[]", "no report"), ("{\"schema\": 2}", "its schema is 2"),
            ("{\"schema\": 1}", "missing"),
            ("{\"schema\": 1, \"host\": {}, \"results\": [{\"name\": \"x\"}]}", "the result x"),
        ])
    func foreign(text: String, reason: String) {
        let error = #expect(throws: Report.FormatError.self) { try Report(JSON(parsing: text)) }
        #expect(error?.description.contains(reason) == true)
    }

    @Test("a goal is judged by what it speaks of, and not at all where that was not measured")
    func goals() {
        #expect(BenchmarkResult.fixture(goal: .ratio(1.5)).meetsGoal == true)
        #expect(BenchmarkResult.fixture(goal: .ratio(1.49)).meetsGoal == false)
        #expect(BenchmarkResult.fixture(ratio: nil, goal: .ratio(2)).meetsGoal == nil)
        #expect(BenchmarkResult.fixture(median: 2000, ratio: nil, goal: .atMost(2048)).meetsGoal == true)
        #expect(BenchmarkResult.fixture(goal: .timesBetterThanPeers(2)).meetsGoal == nil)
        let peers = [("slow", 1000.0), ("fast", 290.0)]
        #expect(BenchmarkResult.fixture(goal: .timesBetterThanPeers(2), peers: peers).meetsGoal == false)
        #expect(BenchmarkResult.fixture(goal: .timesBetterThanPeers(1.9), peers: peers).meetsGoal == true)
        #expect(BenchmarkResult.fixture(goal: nil).meetsGoal == nil)
    }

    @Test("a ratio that misses its goal does not look as if it met it")
    func closeMisses() {
        let text = {
            BenchmarkResult.fixture(ratio: Estimate(value: $0, low: 1, high: 1.1), goal: .ratio(1.05)).ratioText
        }
        #expect(text(1.0520) == "1.052")
        #expect(text(1.0499) == "1.05")
        #expect(text(1.06) == "1.06")
    }

    @Test("the table fits 100 columns, whatever is in it")
    func table() {
        let longest = "forkserver.alive.warm256.cold"
        var report = Report.fixture([
            .fixture(name: longest, median: 123_456, ratio: Estimate(value: 12.34, low: 11.11, high: 15.55)),
            .fixture(name: longest, ratio: nil, goal: .atMost(2048)),
            .fixture(name: longest, peers: [("cpython-3.13 multiprocessing", 1_234_567)]),
        ])
        report.missingPeers = [Report.Failure(name: "python3.99", reason: "it is not found")]
        let table = Table(.plain)
        let lines = table.header(of: report.host) + report.results.flatMap(table.lines) + table.footer(of: report)
        #expect(lines.count > 8)
        for line in lines { #expect(line.count <= 100, "\(line)") }
        #expect(lines.contains { $0.contains("≈(11.11–15.55)") })
        #expect(lines.contains { $0.contains("cpython-3.13") && $0.contains("ours 8230× better") })
        #expect(lines.contains { $0.contains("python3.99") })
    }

    @Test("colours are there only where they are wanted")
    func colours() {
        let result = BenchmarkResult.fixture(goal: .ratio(1.2))
        #expect(Table(.plain).lines(of: result).allSatisfy { !$0.contains("\u{1B}") })
        #expect(Table(TerminalStyle(hasColours: true)).lines(of: result)[0].contains("\u{1B}[31m1.50") == false)
        #expect(Table(TerminalStyle(hasColours: true)).lines(of: result)[0].contains("\u{1B}[31m"))
    }

    @Test("a debug build is warned of in every output for people")
    func debug() {
        let report = Report.fixture(build: "debug")
        let header = Table(.plain).header(of: report.host).joined(separator: "\n")
        for text in [header, report.markdown, ReportPage(report).html] {
            #expect(text.contains("this is a debug build"))
        }
        #expect(!Report.fixture().markdown.contains("debug build"))
    }

    @Test("CSV has as many fields in each line, and quotes what has commas")
    func csv() {
        let report = Report.fixture([.fixture(peers: [("a, \"b\"", 7)]), .fixture(ratio: nil, goal: nil)])
        let lines = report.csv.split(separator: "\r\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == 3)
        #expect(lines[0].hasSuffix("goal,goal_met,\"a, \"\"b\"\"\""))
        #expect(lines[1].contains(",1.5000,1.4800,1.5300,false,"))
        #expect(lines[2].filter { $0 == "," }.count == lines[1].filter { $0 == "," }.count)
    }

    @Test("Markdown has a row for each result but those of plots, and columns for the peers")
    func markdown() {
        let report = Report.fixture([
            .fixture(peers: [("loky", 300)]), .fixture(name: "plot", plot: PlotPoint(.payload, line: "a", at: 1)),
        ])
        let rows = report.markdown.split(separator: "\n").filter { $0.hasPrefix("|") }
        #expect(rows.count == 3)
        #expect(rows[0].contains("| loky |"))
        #expect(rows[2].hasPrefix("| `framing.roundtrip.64B` | µs | 150.0 |"))
    }

    @Test("figures have four digits that count, and thousands apart")
    func figures() {
        #expect(
            [0.1234, 1.5, 12.345, 123.45, 1234.5, 999_999.7, 1_234_567].map { figure($0) }
                == ["0.123", "1.500", "12.35", "123.5", "1,235", "1.000M", "1.235M"])
    }
}
