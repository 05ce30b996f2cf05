import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a program that was spawned finds about itself: see `describe` in the helper.
@Suite("Spawning")
struct SpawnTests {
    private func describe(
        _ arguments: [String] = [], descriptors: [CInt: FileDescriptor] = [:],
        configure: (inout SpawnOptions) -> Void = { _ in }
    ) throws -> [String] {
        let outcome = try runHelper(
            "SyscallsHelper", ["describe"] + arguments, descriptors: descriptors, configure: configure)
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors == "")
        return outcome.output.split(separator: "\n").map(String.init)
    }

    private func line(_ number: CInt, _ descriptor: FileDescriptor) throws -> String {
        let identity = try descriptor.status().identity
        return "descriptor \(number) \(identity.device):\(identity.inode)"
    }

    private func numbers(_ lines: [String]) -> [String] {
        lines.filter { $0.hasPrefix("descriptor ") }.map { String($0.split(separator: " ")[1]) }
    }

    @Test("the program gets the descriptors of the map and no other, inheritable ones included")
    func descriptorMap() throws {
        let pipe = try Pipe()
        let open = try pipe.readEnd.duplicate()
        try open.descriptor.setCloseOnExec(false)
        let lines = try describe(descriptors: [3: pipe.readEnd.descriptor, 9: pipe.writeEnd.descriptor])
        #expect(numbers(lines) == ["0", "1", "2", "3", "9"])
        #expect(lines.contains(try line(3, pipe.readEnd.descriptor)))
        #expect(lines.contains(try line(9, pipe.writeEnd.descriptor)))
        // And here nothing has changed.
        #expect(try !open.descriptor.isCloseOnExec())
        #expect(try pipe.readEnd.descriptor.isCloseOnExec())
    }

    @Test("descriptors may change places, and one may be given several times")
    func overlappingNumbers() throws {
        let first = try Pipe()
        let second = try Pipe()
        let (one, two) = (first.readEnd.descriptor, second.readEnd.descriptor)
        // Each one's number in the program is the other's number here.
        let lines = try describe(descriptors: [one.rawValue: two, two.rawValue: one])
        #expect(lines.contains(try line(one.rawValue, two)))
        #expect(lines.contains(try line(two.rawValue, one)))
        #expect(numbers(lines).count == 5)
        let same = try describe(descriptors: [one.rawValue: one, 200: one])
        #expect(same.contains(try line(one.rawValue, one)))
        #expect(same.contains(try line(200, one)))
    }

    @Test("a standard stream that the map leaves out is closed")
    func holes() throws {
        let lines = try describe { $0.descriptors[0] = nil }
        #expect(numbers(lines) == ["1", "2"])
    }

    @Test("arguments, environment and working directory are as asked for")
    func surroundings() throws {
        let directory = try TemporaryDirectory()
        let lines = try describe(["a b", "", "ü"]) {
            $0.environment = ["FORKSERVER_TEST_MARKER=there"]
            $0.workingDirectory = directory.path
        }
        #expect(lines.contains("arguments a b||ü"))
        #expect(lines.contains("marker there"))
        #expect(lines.contains("directory \(directory.path)"))
        #expect(try describe().contains("marker none"))
    }

    @Test("a program leads a process group or a session of its own when asked to")
    func groups() throws {
        let plain = try describe()
        #expect(plain.contains("leads its group false"))
        #expect(plain.contains("leads its session false"))
        let group = try describe { $0.ownProcessGroup = true }
        #expect(group.contains("leads its group true"))
        #expect(group.contains("leads its session false"))
        let session = try describe { $0.ownSession = true }
        #expect(session.contains("leads its group true"))
        #expect(session.contains("leads its session true"))
        // The leader of a session leads a group by that: asking for both is no contradiction.
        let both = try describe {
            $0.ownSession = true
            $0.ownProcessGroup = true
        }
        #expect(both.contains("leads its session true"))
    }

    @Test("signals are blocked as asked for, and none by default")
    func mask() throws {
        let asked = try describe { $0.signalMask = [.user1, .interrupt] }
        #expect(asked.filter { $0.hasPrefix("blocked") } == ["blocked SIGUSR1", "blocked SIGINT"])
        let plain = try ([.user2] as SignalSet).whileBlocked { try describe() }
        #expect(plain.filter { $0.hasPrefix("blocked") } == [])
    }

    @Test("signals that the parent ignores or blocks have their default effect, or are left as they are")
    func dispositions() throws {
        let plain = try runHelper("SyscallsHelper", ["describe-with-ignored-signals"])
        #expect(plain.status == .exited(0))
        #expect(!plain.output.contains("ignored") && !plain.output.contains("blocked"))
        let kept = try runHelper("SyscallsHelper", ["describe-with-ignored-signals", "keep"])
        let told = kept.output.split(separator: "\n").filter { $0.hasPrefix("ignored") || $0.hasPrefix("blocked") }
        #expect(told == ["blocked SIGTERM", "ignored SIGUSR2", "ignored SIGPIPE"])
    }

    @Test("what keeps a program from starting is an error")
    func failures() throws {
        let directory = try TemporaryDirectory()
        func spawn(_ path: String, _ change: (inout SpawnOptions) -> Void = { _ in }) throws -> ProcessID {
            var options = SpawnOptions(arguments: [path])
            change(&options)
            return try ProcessID.spawn(path, options)
        }
        #expect(throws: Errno.noSuchFileOrDirectory) { try spawn(directory.file("none")) }
        _ = try directory.create("plain")
        #expect(throws: Errno.permissionDenied) { try spawn(directory.file("plain")) }
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try spawn("/bin/sh") { $0.workingDirectory = directory.file("none") }
        }
        #expect(throws: Errno.badFileDescriptor) {
            try spawn("/bin/sh") { $0.descriptors[0] = FileDescriptor(rawValue: -1) }
        }
    }

    @Test("spawning leaves no descriptor open in the parent")
    func leavesNothing() throws {
        #expect(try runHelper("SyscallsHelper", ["spawn-keeps-nothing"]) == .success)
    }
}
