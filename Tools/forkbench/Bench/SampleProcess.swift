import Syscalls

/// A process that takes samples on request: ours, the floor, or a peer.
///
/// It leads a process group of its own, so that Ctrl-C leaves it to us to end it, in order and with all that it started.
final class SampleProcess {
    private let process: ProcessID
    private var requests: OwnedFileDescriptor?
    private let samples: OwnedFileDescriptor

    /// Our side.
    static func ours(_ benchmark: Benchmark, _ cpus: CPUPlacement) throws -> SampleProcess {
        let arguments = ["forkbench", HelperRole.measure.rawValue, benchmark.name]
        return try SampleProcess(
            currentExecutable, arguments + [cpus.own, cpus.peer].map { $0.map(String.init) ?? "-" })
    }

    /// The floor, a process of a C program that is built beside this one.
    static func floor(_ floor: [String], _ cpus: CPUPlacement) throws -> SampleProcess {
        try SampleProcess(
            executableBesideThis("forkbench-floor"), ["forkbench-floor"] + floor + cpus.options)
    }

    /// Another implementation's, in its own language's process.
    static func peer(_ peer: Peer, _ work: [String], _ cpus: CPUPlacement) throws -> SampleProcess {
        let (path, arguments, environment) = peer.command(work + cpus.options)
        return try SampleProcess(path, arguments, environment: environment)
    }

    private init(_ path: String, _ arguments: [String], environment: [String]? = nil) throws {
        let input = try Pipe()
        let output = try Pipe()
        var options = SpawnOptions(arguments: arguments)
        options.environment = environment
        options.descriptors = [
            0: input.readEnd.descriptor, 1: output.writeEnd.descriptor, 2: .standardError,
        ]
        options.ownProcessGroup = true
        do throws(Errno) {
            process = try ProcessID.spawn(path, options)
        } catch {
            throw BenchmarkFailure(reason: "\(path) cannot be started: \(error)")
        }
        let writeEnd = input.writeEnd
        requests = consume writeEnd
        samples = output.readEnd
    }

    /// Takes samples: nanoseconds, or what the benchmark's unit says.
    func take(_ count: Int) throws -> [UInt64] {
        var request = UInt32(count)
        do {
            try withUnsafeBytes(of: &request) { try requests?.descriptor.writeAll($0) }
            guard try !samples.descriptor.wait(for: .readable, until: .after(Self.longestRound)).isEmpty else {
                kill()
                finish()
                throw BenchmarkFailure(reason: "it did not answer within \(Self.longestRound)")
            }
            let bytes = try samples.descriptor.readExactly(count * 8)
            return bytes.withUnsafeBytes { bytes in
                (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
            }
        } catch let error as Errno {
            // Its own message is on standard error already.
            throw BenchmarkFailure(reason: "the measuring process ended (\(error)): \(finish())")
        }
    }

    /// Has the process end, and waits for it; one that does not is killed, with all that it started.
    @discardableResult
    func finish() -> ExitStatus {
        requests = nil
        #if os(Linux)
            let descriptor = try? ProcessDescriptor(of: process)
            if (try? descriptor?.waitForEnd(until: .after(Self.longestEnd))) == false { kill() }
        #endif
        return (try? process.wait()) ?? .unknown
    }

    private func kill() {
        // Its process group, which is not waited for yet.
        try? ProcessID(rawValue: -process.rawValue).send(.kill)
    }

    private static let longestRound = Duration.seconds(60)
    private static let longestEnd = Duration.seconds(10)
}

struct BenchmarkFailure: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

extension CPUPlacement {
    /// As the floor and the peers are told of it.
    fileprivate var options: [String] {
        (own.map { ["--cpu", "\($0)"] } ?? []) + (peer.map { ["--peer-cpu", "\($0)"] } ?? [])
    }
}
