import FDPassing
import ForkbenchCore
import Pool
import Syscalls

/// Hashes files in order: a few are at the workers at a time, and each result is printed when those before it are.
struct HashRun {
    let files: [[UInt8]]
    private var progress = Progress()
    private(set) var hasFailed = false
    private let isTerminal = FileDescriptor.standardOutput.isTerminal

    init(files: [[UInt8]]) {
        self.files = files
    }

    /// What became of one file.
    private enum Outcome: Sendable {
        case digest([UInt8])
        case failed(String)
    }

    mutating func hashAll(with pool: Pool) async {
        // Enough that no worker waits for the next file, and far from the limit of open descriptors.
        let window = pool.workerCount * 4
        var outcomes: [Int: Outcome] = [:]
        var nextToPrint = 0
        await withTaskGroup(of: (Int, Outcome).self) { group in
            var nextToStart = 0
            while nextToStart < files.count || nextToPrint < files.count {
                // What waits to be printed counts too: a large file holds up those behind it, not without bound.
                while nextToStart < files.count, nextToStart - nextToPrint < window * 64,
                    nextToStart - nextToPrint - outcomes.count < window
                {
                    let (index, path) = (nextToStart, files[nextToStart])
                    group.addTask { (index, await Self.hash(path, with: pool)) }
                    nextToStart += 1
                }
                guard let (index, outcome) = await group.next() else { break }
                outcomes[index] = outcome
                var lines: [UInt8] = []
                while let outcome = outcomes.removeValue(forKey: nextToPrint) {
                    switch outcome {
                    case .digest(let digest): lines += Self.line(digest, files[nextToPrint])
                    case .failed(let reason):
                        report("\(String(decoding: files[nextToPrint], as: UTF8.self)): \(reason)")
                    }
                    nextToPrint += 1
                }
                print(lines)
                progress.show("\(nextToPrint) of \(files.count) files")
            }
        }
        progress.clear()
    }

    /// One line on standard error; the exit code will be 1.
    mutating func report(_ error: String) {
        hasFailed = true
        progress.clear()
        standardErrorLine("forkbench: \(error)")
    }

    private mutating func print(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if isTerminal { progress.clear() }
        do {
            try FileDescriptor.standardOutput.writeAll(bytes)
        } catch {
            // Nobody reads it any more, or the disk is full: as sha256sum, the end.
            standardErrorLine("forkbench: standard output: \(error)")
            exitProcess(1)
        }
    }

    private static func hash(_ path: [UInt8], with pool: Pool) async -> Outcome {
        do {
            let file = try open(path)
            if try file.descriptor.status().kind == .directory { throw Errno.isDirectory }
            switch try await pool.run(HashFile(file: PassedDescriptor(file))) {
            case .digest(let digest): return .digest(digest)
            case .unreadable(let number): throw Errno(rawValue: number)
            }
        } catch {
            return .failed("\(error)")
        }
    }

    private static func open(_ path: [UInt8]) throws(Errno) -> OwnedFileDescriptor {
        path == [UInt8(ascii: "-")]
            ? try FileDescriptor.standardInput.duplicate() : try OwnedFileDescriptor.open(path, .readOnly)
    }

    /// A line as sha256sum writes it: a path with a line end or a backslash is escaped, and the line starts with one.
    static func line(_ digest: [UInt8], _ path: [UInt8]) -> [UInt8] {
        let hexadecimal = Array("0123456789abcdef".utf8)
        var line: [UInt8] = []
        var escaped: [UInt8] = []
        for byte in path {
            switch byte {
            case UInt8(ascii: "\\"): escaped += Array("\\\\".utf8)
            case UInt8(ascii: "\n"): escaped += Array("\\n".utf8)
            case UInt8(ascii: "\r"): escaped += Array("\\r".utf8)
            default: escaped.append(byte)
            }
        }
        if escaped.count != path.count { line.append(UInt8(ascii: "\\")) }
        for byte in digest {
            line.append(hexadecimal[Int(byte >> 4)])
            line.append(hexadecimal[Int(byte & 15)])
        }
        return line + Array("  ".utf8) + escaped + [UInt8(ascii: "\n")]
    }
}
