import ForkbenchCore
import ResourceTracker

/// A name that the tracker is told of, and told to forget.
let registerBenchmarks: [Benchmark] = [
    Benchmark(
        name: "tracker.register", layer: .tracker, summary: "register and unregister a name, per pair",
        goal: .ratio(1.3), placement: .together, floor: ["tracker-register", "--bytes", "40", "--repeat", "5000"],
        peer: ["tracker-register", "--repeat", "5000"]
    ) { context in
        let tracker = ResourceTracker()
        try tracker.start()
        try context.pinPeer(tracker.processID)
        // A REGISTER line of 40 bytes.
        let name = "/forkbench-12345"
        return {
            try nanoseconds {
                for _ in 0..<5000 {
                    try tracker.register(name, .sharedMemory)
                    try tracker.unregister(name, .sharedMemory)
                }
            } / 5000
        }
    }
]
