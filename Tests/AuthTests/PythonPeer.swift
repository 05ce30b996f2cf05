import Syscalls
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A Python program at the other end of a socket. It is killed, if need be, and reaped when this goes.
final class PythonPeer: Sendable {
    /// The interpreters of pyenv, by the first two parts of their versions.
    static let interpreters: [String: String] = {
        let versions = "\(Environment["HOME"] ?? "/root")/.pyenv/versions"
        let pairs = ((try? directoryEntries(versions)) ?? []).sorted().map { version in
            (version.split(separator: ".").prefix(2).joined(separator: "."), "\(versions)/\(version)/bin/python3")
        }
        return Dictionary(pairs.filter { access($0.1, X_OK) == 0 }) { $1 }
    }()

    private let process: ProcessID
    private let output: OwnedFileDescriptor

    /// - Parameter version: Such as `3.12`.
    init(_ version: String, _ program: String, _ arguments: [String]) throws {
        let path = try #require(Self.interpreters[version])
        var options = SpawnOptions(arguments: [path, "-c", program] + arguments)
        let pipe = try Pipe()
        let nothing = try OwnedFileDescriptor.open("/dev/null", .readOnly)
        options.descriptors = [
            0: nothing.descriptor, 1: pipe.writeEnd.descriptor, 2: pipe.writeEnd.descriptor,
        ]
        process = try .spawn(path, options)
        output = pipe.readEnd
    }

    deinit {
        try? process.send(.kill)
        _ = try? process.wait()
    }

    /// The next line that it prints, without its end; what there is when it has ended.
    func readLine() throws -> String {
        var line: [UInt8] = []
        let deadline = Deadline.generous
        while true {
            try #require(!output.descriptor.wait(for: .readable, until: deadline).isEmpty, "Python says nothing")
            let byte = try output.descriptor.read(upTo: 1)
            if byte.isEmpty || byte == [UInt8(ascii: "\n")] { return String(decoding: line, as: UTF8.self) }
            line += byte
        }
    }
}
