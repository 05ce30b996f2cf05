import ForkbenchCore
import Syscalls

/// Our side of a benchmark, as a process of its own: the same conversation as `forkbench-floor` has.
///
/// It reads a native 32-bit count from standard input, takes as many samples and writes them as native 64-bit nanoseconds
/// to standard output, until the end of its input.
enum SampleServer {
    /// `NAME CPU PEER-CPU`; a minus for a CPU is none.
    static func run(_ arguments: [String]) throws {
        guard arguments.count == 3, let benchmark = Benchmark.all.first(where: { $0.name == arguments[0] }) else {
            throw UsageError("expected NAME CPU PEER-CPU")
        }
        pin(to: Int(arguments[1]))
        let sample = try benchmark.makeSampler(SampleContext(peerCPU: Int(arguments[2])))
        while let count = try readCount() {
            var values: [UInt64] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try sample()) }
            try values.withUnsafeBytes { try FileDescriptor.standardOutput.writeAll($0) }
        }
    }

    private static func readCount() throws -> Int? {
        var count: UInt32 = 0
        let received = try withUnsafeMutableBytes(of: &count) { try FileDescriptor.standardInput.read(into: $0) }
        return received == 4 ? Int(count) : nil
    }

    static func pin(to cpu: Int?) {
        #if os(Linux)
            if let cpu { try? ProcessID.current.setAffinity([cpu]) }
        #endif
    }
}

/// How long a call took, in nanoseconds.
func nanoseconds(_ body: () throws -> Void) rethrows -> UInt64 {
    let start = Deadline.now
    try body()
    return nanoseconds(since: start)
}

func nanoseconds(since start: Deadline) -> UInt64 {
    let (seconds, attoseconds) = (Deadline.now - start).components
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
}
