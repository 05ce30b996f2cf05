import Syscalls

/// A process that takes samples on request: ours or the floor.
final class SampleProcess {
    private let process: ProcessID
    private var requests: OwnedFileDescriptor?
    private let samples: OwnedFileDescriptor

    /// Our side.
    static func ours(_ benchmark: Benchmark, _ cpus: CPUPlacement) throws -> SampleProcess {
        try SampleProcess { descriptors throws(Errno) in
            try HelperRole.measure.start(
                [benchmark.name, cpus.own.map(String.init) ?? "-", cpus.peer.map(String.init) ?? "-"],
                descriptors: descriptors)
        }
    }

    /// The floor, a process of a C program that is built beside this one.
    static func floor(_ benchmark: Benchmark, _ cpus: CPUPlacement) throws -> SampleProcess {
        var arguments = ["forkbench-floor"] + benchmark.floor
        if let cpu = cpus.own { arguments += ["--cpu", "\(cpu)"] }
        if let cpu = cpus.peer { arguments += ["--peer-cpu", "\(cpu)"] }
        return try SampleProcess { descriptors throws(Errno) in
            var options = SpawnOptions(arguments: arguments)
            options.descriptors = descriptors.merging([2: .standardError]) { $1 }
            return try ProcessID.spawn(executableBesideThis("forkbench-floor"), options)
        }
    }

    private init(_ start: ([CInt: FileDescriptor]) throws(Errno) -> ProcessID) throws(Errno) {
        let input = try Pipe()
        let output = try Pipe()
        process = try start([0: input.readEnd.descriptor, 1: output.writeEnd.descriptor])
        let writeEnd = input.writeEnd
        requests = consume writeEnd
        samples = output.readEnd
    }

    /// Takes samples, in nanoseconds.
    func take(_ count: Int) throws -> [UInt64] {
        var request = UInt32(count)
        do {
            try withUnsafeBytes(of: &request) { try requests?.descriptor.writeAll($0) }
            let bytes = try samples.descriptor.readExactly(count * 8)
            return bytes.withUnsafeBytes { bytes in
                (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
            }
        } catch {
            // Its own message is on standard error already.
            throw BenchmarkFailure(reason: "the measuring process ended: \(finish())")
        }
    }

    /// Has the process end, and waits for it.
    @discardableResult
    func finish() -> ExitStatus {
        requests = nil
        return (try? process.wait()) ?? .unknown
    }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

/// The processors for the two sides of a benchmark.
struct CPUPlacement {
    let own: Int?
    let peer: Int?

    init(_ placement: Benchmark.Placement) {
        #if os(Linux)
            let allowed = (try? ProcessID.current.affinity()) ?? []
        #else
            let allowed: [Int] = []
        #endif
        own = allowed.first
        peer = placement == .together ? allowed.first : allowed.dropFirst().first ?? allowed.first
    }
}
