import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A CPython to talk to.
public struct Python: Sendable, CustomStringConvertible {
    public let version: String
    public let path: String

    public var description: String { "CPython \(version)" }

    /// Those of the wanted versions that are installed with pyenv.
    public static let installed: [Python] = ["3.8.18", "3.13.0"].compactMap { version in
        guard let home = Environment["HOME"] else { return nil }
        let path = "\(home)/.pyenv/versions/\(version)/bin/python3"
        return access(path, X_OK) == 0 ? Python(version: version, path: path) : nil
    }

    /// Starts a script.
    public func start(
        _ script: String, _ arguments: [String] = [], descriptors: [CInt: FileDescriptor] = [:]
    ) throws -> HelperProcess {
        // -I: whatever the environment says of paths is not the test's business. -S: no site packages, a faster start.
        try HelperProcess(executable: path, ["-I", "-S", "-c", script] + arguments, descriptors: descriptors)
    }
}
