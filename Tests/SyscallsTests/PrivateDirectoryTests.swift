import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Directories of one's own")
struct PrivateDirectoryTests {
    /// What a process with this `TMPDIR` makes.
    private func directory(temporary: String?) throws -> HelperOutcome {
        try runHelper("SyscallsHelper", ["private-directory"]) { options in
            options.environment =
                Environment.all.filter { !$0.hasPrefix("TMPDIR=") } + (temporary.map { ["TMPDIR=\($0)"] } ?? [])
        }
    }

    @Test("each is new, and only this user can enter it")
    func permissions() throws {
        let paths = [
            try createPrivateDirectory(named: "forkserver-test"), try createPrivateDirectory(named: "forkserver-test"),
        ]
        defer { for path in paths { rmdir(path) } }
        #expect(paths[0] != paths[1])
        for path in paths {
            let status = try FileStatus(ofFileAt: path, followLinks: false)
            #expect(status.kind == .directory)
            #expect(status.permissions == 0o700)
            #expect(status.owner == getuid())
            #expect(path.split(separator: "/").last!.hasPrefix("forkserver-test-"))
        }
    }

    @Test("it is where TMPDIR says, when a socket has room there")
    func temporary() throws {
        let parent = try TemporaryDirectory()
        #expect(try directory(temporary: parent.path).output == parent.path)
        // The path of a socket in it is at most 107 bytes, name and all.
        let long = parent.path + "/" + String(repeating: "x", count: 60)
        #expect(mkdir(long, 0o700) == 0)
        for passedOver in [long, "", ".", nil] {
            #expect(try directory(temporary: passedOver) == HelperOutcome(status: .exited(0), output: "/tmp"))
        }
        let outcome = try directory(temporary: parent.file("none"))
        #expect(outcome.status == .exited(1))
        #expect(outcome.errors.contains("ENOENT"))
    }
}
