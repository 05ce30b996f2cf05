import ForkbenchCore
import Framing

/// Large messages one way.
let streamBenchmarks: [Benchmark] = [
    Benchmark(
        name: "framing.stream.1MiB", layer: .framing, summary: "per message of 1 MiB, one way",
        goal: .ratio(1.05), placement: .together,
        floor: ["stream", "--bytes", "1048576", "--repeat", "\(Counterpart.messagesPerSample)"],
        peer: ["framing-stream", "--bytes", "1048576", "--repeat", "\(Counterpart.messagesPerSample)"]
    ) { context in
        let connection = try context.connect(to: .sink)
        let message = [UInt8](repeating: 7, count: 1 << 20)
        return {
            try nanoseconds {
                for _ in 0..<Counterpart.messagesPerSample { try connection.send(message) }
                _ = try connection.receive()
            } / UInt64(Counterpart.messagesPerSample)
        }
    }
]
