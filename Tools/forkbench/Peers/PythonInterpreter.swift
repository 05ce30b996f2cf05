import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A Python that runs here, and the libraries that it can import.
struct PythonInterpreter: Sendable {
    let path: String
    /// Such as `cpython-3.11`.
    let name: String
    let libraries: [String]

    /// What it is asked of itself: its name and version, then each library that there is.
    private static let question = """
        import sys
        print("%s-%d.%d" % (sys.implementation.name, sys.version_info[0], sys.version_info[1]))
        for name in ("multiprocessing", "billiard", "loky"):
            try:
                __import__(name)
                print(name)
            except ImportError:
                pass
        """
    private static let oldest = (3, 7)

    /// - Parameter name: A path, or a name to be looked for in the search path and, as `python3.x`, in pyenv.
    init(named name: String) throws(BenchmarkFailure) {
        let candidates = Self.candidates(name).filter { access($0, X_OK) == 0 }
        guard !candidates.isEmpty else { throw BenchmarkFailure(reason: "it is not found") }
        // A shim of pyenv may stand for a version that is not chosen: the next one is asked then.
        for candidate in candidates {
            guard let answer = Self.ask(candidate) else { continue }
            self.path = candidate
            self.name = answer[0]
            libraries = Array(answer.dropFirst())
            let version = answer[0].split(separator: "-").last?.split(separator: ".").compactMap { Int($0) } ?? []
            guard version.count == 2, (version[0], version[1]) >= Self.oldest else {
                throw BenchmarkFailure(reason: "\(answer[0]) is too old: its clock has no nanoseconds")
            }
            return
        }
        throw BenchmarkFailure(reason: "\(candidates.joined(separator: ", ")) does not run")
    }

    private static func candidates(_ name: String) -> [String] {
        if name.contains("/") { return [name] }
        let inSearchPath = (Environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
        guard name.hasPrefix("python3.") else { return inSearchPath }
        let root = (Environment["PYENV_ROOT"] ?? (Environment["HOME"] ?? "") + "/.pyenv") + "/versions"
        let version = name.dropFirst("python".count)
        let ofPyenv = ((try? directoryEntries(root)) ?? []).sorted().reversed()
            .filter { $0 == version || $0.hasPrefix(version + ".") }
            .map { "\(root)/\($0)/bin/\(name)" }
        return inSearchPath + ofPyenv
    }

    /// The lines of its answer; `nil` when it has none.
    private static func ask(_ path: String) -> [String]? {
        guard let pipe = try? Pipe(), let null = try? OwnedFileDescriptor.open("/dev/null", .readWrite) else {
            return nil
        }
        var options = SpawnOptions(arguments: ["python", "-c", question])
        options.descriptors = [0: null.descriptor, 1: pipe.writeEnd.descriptor, 2: null.descriptor]
        guard let process = try? ProcessID.spawn(path, options) else { return nil }
        pipe.writeEnd.discard()
        let answer = try? pipe.readEnd.descriptor.readToEnd()
        guard (try? process.wait()) == .exited(0), let answer else { return nil }
        let lines = String(decoding: answer, as: UTF8.self).split(separator: "\n").map(String.init)
        return lines.isEmpty ? nil : lines
    }
}
