import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A CPython to talk to.
public struct Python: Sendable, CustomStringConvertible {
    /// The first two parts, such as `3.8`.
    public let version: String
    public let path: String

    public var description: String { "CPython \(version)" }

    /// The oldest and the newest that protocols are tried with, if they are there.
    public static let installed: [Python] = ["3.8", "3.13"].compactMap(Python.init(version:))

    /// The one of a version: of pyenv, or else in the search path. `nil` where there is none.
    public init?(version: String) {
        let root = Environment["PYENV_ROOT"] ?? (Environment["HOME"] ?? "") + "/.pyenv"
        let ofPyenv = ((try? directoryEntries(root + "/versions")) ?? []).sorted().reversed()
            .filter { $0 == version || $0.hasPrefix(version + ".") }
            .map { "\(root)/versions/\($0)/bin/python3" }
        let inSearchPath = (Environment["PATH"] ?? "").split(separator: ":").map { "\($0)/python\(version)" }
        guard let path = (ofPyenv + inSearchPath).first(where: { access($0, X_OK) == 0 }) else { return nil }
        self.version = version
        self.path = path
    }

    /// Starts a script.
    public func start(
        _ script: String, _ arguments: [String] = [], descriptors: [CInt: FileDescriptor] = [:]
    ) throws -> HelperProcess {
        // -I: whatever the environment says of paths is not the test's business. -S: no site packages, a faster start.
        try HelperProcess(executable: path, ["-I", "-S", "-c", script] + arguments, descriptors: descriptors)
    }
}
