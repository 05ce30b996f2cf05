import FDPassing
import ForkServer
import ForkbenchCore
import Syscalls

/// From the request until the child's exit status.
let lifecycleBenchmarks: [Benchmark] = [
    Benchmark(
        name: "forkserver.lifecycle", layer: .forkserver, summary: "request, run, exit, status received",
        goal: .ratio(1.8, whenStatic: 1.2), placement: .apart, floor: ["forkserver-lifecycle"] + spares,
        peer: ["forkserver-lifecycle"]
    ) { context in
        let server = try context.startServer()
        return {
            let pipe = try Pipe()
            return try nanoseconds {
                let output = try PassedDescriptor(duplicating: pipe.writeEnd.descriptor)
                guard try server.spawn(FirstByte(output: output)).wait() == .exited(0) else {
                    throw BenchmarkFailure(reason: "the child failed")
                }
            }
        }
    }
]
