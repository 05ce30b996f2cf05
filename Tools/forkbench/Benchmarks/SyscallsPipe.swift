import ForkbenchCore
import Syscalls

/// What the thin layer over the system calls costs.
let pipeBenchmarks: [Benchmark] = [
    Benchmark(
        name: "syscalls.pipe.64B", layer: .syscalls, summary: "write and read 64 bytes on a pipe, in one process",
        placement: .together, floor: ["pipe", "--bytes", "64", "--repeat", "1000"]
    ) { _ in
        let pipe = try Pipe()
        let channel = KeptPipe(pipe)
        let message = [UInt8](repeating: 7, count: 64)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
        return {
            try nanoseconds {
                for _ in 0..<1000 {
                    try channel.writeEnd.writeAll(message)
                    guard try channel.readEnd.read(into: buffer) == 64 else { throw BenchmarkFailure(reason: "short") }
                }
            } / 1000
        }
    }
]

/// A pipe that a closure keeps.
final class KeptPipe: Sendable {
    private let pipe: Pipe

    init(_ pipe: consuming Pipe) { self.pipe = pipe }

    var readEnd: FileDescriptor { pipe.readEnd.descriptor }
    var writeEnd: FileDescriptor { pipe.writeEnd.descriptor }
}
