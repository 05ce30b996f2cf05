import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One benchmark's figures, in microseconds; lower is better.
struct BenchmarkResult {
    let name: String
    let layer: String
    let median: Double
    let p90: Double
    let p99: Double
    let samples: Int
    let floor: Double
    /// Of a point of the plot: the backend, and the number of idle descriptors.
    let plotPoint: (line: String, idle: Int)?

    init(_ benchmark: Benchmark, ours: Quantiles, floor: Quantiles) {
        name = benchmark.name
        layer = benchmark.layer.module
        median = ours.microseconds(at: 0.5)
        p90 = ours.microseconds(at: 0.9)
        p99 = ours.microseconds(at: 0.99)
        samples = ours.count
        self.floor = floor.microseconds(at: 0.5)
        plotPoint = benchmark.idleInPlot.map { idle in
            (line: String(benchmark.name.split(separator: ".")[1]), idle: idle)
        }
    }

    /// How many times slower than the floor.
    var ratio: Double { median / floor }

    var tableLine: String {
        let columns = [median, p90, p99, floor].map { decimal($0, 3).padded(to: 12, leading: true) }
        return name.padded(to: BenchmarkReport.nameWidth) + columns.joined()
            + decimal(ratio, 2).padded(to: 8, leading: true)
    }

    var json: JSON {
        [
            ("name", .string(name)), ("layer", .string(layer)), ("unit", "us"), ("better", "lower"),
            ("median", .number(median)), ("p90", .number(p90)), ("p99", .number(p99)), ("samples", .integer(samples)),
            ("floor", .number(floor)), ("ratio", .number(ratio)), ("peers", .object([])),
        ]
    }
}

/// The figures of a run.
struct BenchmarkReport {
    var results: [BenchmarkResult] = []
    var failures: [String] = []

    static let nameWidth = 28
    static let tableHeader =
        "benchmark (µs)".padded(to: nameWidth)
        + ["median", "p90", "p99", "floor"].map { $0.padded(to: 12, leading: true) }.joined()
        + "ratio".padded(to: 8, leading: true)

    var json: String {
        let report: JSON = [("schema", .integer(1)), ("host", Self.host), ("results", .array(results.map(\.json)))]
        return report.text()
    }

    private static var host: JSON {
        var name = utsname()
        uname(&name)
        return [
            ("system", .string(text(&name.sysname))), ("release", .string(text(&name.release))),
            ("machine", .string(text(&name.machine))), ("processors", .integer(sysconf(CInt(_SC_NPROCESSORS_ONLN)))),
        ]
    }

    private static func text<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// A number with a fixed number of decimals.
func decimal(_ number: Double, _ places: Int) -> String {
    guard number.isFinite, abs(number) < 1e15 else { return "\(number)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let digits = String(Int((abs(number) * scale).rounded()))
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return (number < 0 ? "-" : "") + padded.dropLast(places) + (places > 0 ? "." : "") + padded.suffix(places)
}
