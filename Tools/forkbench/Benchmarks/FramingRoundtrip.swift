import ForkbenchCore
import Framing

/// A message to another process and back.
let roundtripBenchmarks: [Benchmark] =
    [
        Benchmark(
            name: "framing.roundtrip.64B", layer: .framing,
            summary: "a message of 64 bytes to an echo process and back",
            goal: .ratio(1.05), placement: .together, floor: ["roundtrip", "--bytes", "64"],
            peer: ["framing-roundtrip", "--bytes", "64"]
        ) { context in try echoSampler(bytes: 64, context) }
    ]
    + [64, 1024, 16 << 10, 256 << 10, 1 << 20, 16 << 20].map { bytes in
        Benchmark(
            name: "framing.payload.\(bytes)", layer: .framing, summary: "a message of that size there and back",
            plot: PlotPoint(.payload, line: "Framing", at: bytes), placement: .together,
            floor: ["roundtrip", "--bytes", "\(bytes)"], peer: ["framing-roundtrip", "--bytes", "\(bytes)"]
        ) { context in try echoSampler(bytes: bytes, context) }
    }

private func echoSampler(bytes: Int, _ context: SampleContext) throws -> () throws -> UInt64 {
    let connection = try context.connect(to: .echo)
    let message = [UInt8](repeating: 7, count: bytes)
    return {
        try nanoseconds {
            try connection.send(message)
            guard try connection.receive().count == bytes else { throw BenchmarkFailure(reason: "another message") }
        }
    }
}
