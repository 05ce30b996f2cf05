import Auth
import FDPassing
import ForkServer
import ForkbenchCore
import Pool
import Syscalls

extension Command {
    /// Hashes files with a pool. Returns 1 when one could not be read.
    func runHash(_ arguments: [String]) async throws -> Int32 {
        let parsed = try parse(arguments)
        guard !parsed.rest.isEmpty else { throw UsageError("hash: expected a PATH; see forkbench hash --help") }
        var walk = TreeWalk()
        for path in rawArguments(parsed.rest) { walk.add(path) }
        var run = HashRun(files: walk.sortedFiles)
        let server = ForkServer()
        let pool = try Pool(workers: try parsed.positiveNumber("--workers"), server: server)
        for error in walk.errors { run.report(error) }
        await run.hashAll(with: pool)
        await pool.shutDown()
        return run.hasFailed ? 1 : 0
    }

    /// The arguments as the kernel gave them: paths need not be UTF-8.
    private func rawArguments(_ wanted: [String]) -> [[UInt8]] {
        let raw = CommandLine.arguments.indices.map { index in
            Array(
                UnsafeRawBufferPointer(
                    start: CommandLine.unsafeArgv[index]!, count: CommandLine.unsafeArgv[index]!.length))
        }
        // From the end, where the paths are: an option's value may look like one of them.
        var remaining = wanted[...]
        var found: [[UInt8]] = []
        for bytes in raw.reversed() {
            guard let last = remaining.last else { break }
            if String(decoding: bytes, as: UTF8.self) == last {
                found.append(bytes)
                remaining.removeLast()
            }
        }
        return found.reversed()
    }
}

extension UnsafeMutablePointer<CChar> {
    fileprivate var length: Int {
        var count = 0
        while self[count] != 0 { count += 1 }
        return count
    }
}

/// Hashes an open file from its position to its end, in a worker.
struct HashFile: PoolTask {
    let file: PassedDescriptor

    enum Output: Codable, Sendable {
        case digest([UInt8])
        /// Reading failed, with this error number.
        case unreadable(Int32)
    }

    func run(in context: WorkerContext) -> Output {
        guard let file = file.take() else { return .unreadable(Errno.badFileDescriptor.rawValue) }
        var hash = SHA256()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        do throws(Errno) {
            while true {
                let count = try file.descriptor.read(into: buffer)
                if count == 0 { return .digest(hash.finalize()) }
                hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
            }
        } catch {
            return .unreadable(error.rawValue)
        }
    }
}
