import Syscalls

/// How the process of a role differs from the one that starts it.
package struct RoleSurroundings: Sendable {
    /// After the program's name. See execve(2).
    package var arguments: [String]
    /// Variables to set, or to remove (`nil`). See environ(7).
    package var environment: [String: String?]
    /// `nil` is the same. The corresponding C function is `chdir`.
    package var workingDirectory: String?
    /// `nil` is the same; they stay the caller's. See stdio(3).
    package var standardOutput: FileDescriptor?
    /// See `standardOutput` and stdio(3).
    package var standardError: FileDescriptor?

    package init(
        arguments: [String] = [], environment: [String: String?] = [:], workingDirectory: String? = nil,
        standardOutput: FileDescriptor? = nil, standardError: FileDescriptor? = nil
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.standardOutput = standardOutput
        self.standardError = standardError
    }
}
