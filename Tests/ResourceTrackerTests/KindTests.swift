import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Kinds of resources", .timeLimit(.minutes(10))) struct KindTests {
    @Test("a file is removed, and of a link only the link")
    func file() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        let kept = try directory.makeFile("kept")
        #expect(symlink(kept, directory.file("link")) == 0)
        try withTracker(endsWith: .exited(1)) { tracker, _ in
            try tracker.register(file, .file)
            try tracker.register(directory.file("link"), .file)
            try tracker.register(directory.file("never made"), .file)
        }
        #expect(!exists(file) && !exists(directory.file("link")) && exists(kept))
    }

    @Test("a directory is no file, and a file no directory: neither is touched, and the code is 2")
    func wrongKind() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        #expect(mkdir(directory.file("directory"), 0o700) == 0)
        try withTracker(endsWith: .exited(2)) { tracker, _ in
            try tracker.register(file, .directory)
            try tracker.register(directory.file("directory"), .file)
            try tracker.register(file, .unixSocket)
        }
        #expect(exists(file) && exists(directory.file("directory")))
        #expect(rmdir(directory.file("directory")) == 0)
    }

    @Test("a directory goes with all that is in it, and what its links point to stays")
    func directory() throws {
        let directory = try TemporaryDirectory()
        let kept = try directory.makeFile("kept")
        #expect(mkdir(directory.file("outside"), 0o700) == 0)
        let inOutside = try directory.makeFile("outside/kept")
        let root = directory.file("root")
        #expect(mkdir(root, 0o700) == 0)
        var path = root
        for level in 0..<60 {
            path += "/\(level)"
            #expect(mkdir(path, 0o700) == 0)
            _ = try OwnedFileDescriptor.open(path + "/line\nend", [.writeOnly, .create], permissions: 0o600)
            #expect(symlink(directory.file("outside"), path + "/link") == 0)
            #expect(symlink("..", path + "/up") == 0)
            #expect(symlink(kept, path + "/file link") == 0)
        }
        #expect(mkfifo(root + "/pipe", 0o600) == 0)
        try withTracker(endsWith: .exited(1)) { tracker, _ in try tracker.register(root + "/", .directory) }
        #expect(!exists(root) && exists(kept) && exists(inOutside))
        #expect(unlink(inOutside) == 0 && rmdir(directory.file("outside")) == 0)
    }

    @Test("of a link in place of a directory only the link is removed")
    func linkToDirectory() throws {
        let directory = try TemporaryDirectory()
        #expect(mkdir(directory.file("outside"), 0o700) == 0)
        let kept = try directory.makeFile("outside/kept")
        #expect(symlink(directory.file("outside"), directory.file("link")) == 0)
        try withTracker(endsWith: .exited(1)) { tracker, _ in
            try tracker.register(directory.file("link"), .directory)
        }
        #expect(exists(kept) && !exists(directory.file("link")))
        #expect(unlink(kept) == 0 && rmdir(directory.file("outside")) == 0)
    }

    @Test("a directory that somebody keeps swapping for a link to another leads the removal nowhere")
    func swappedDirectory() throws {
        for _ in 0..<5 {
            let directory = try TemporaryDirectory()
            let outside = directory.file("outside")
            #expect(mkdir(outside, 0o700) == 0)
            let kept = try (0..<50).map { try directory.makeFile("outside/\($0)") }
            let root = directory.file("root")
            #expect(mkdir(root, 0o700) == 0)
            for number in 0..<100 {
                #expect(mkdir(root + "/\(number)", 0o700) == 0)
                for file in 0..<20 {
                    _ = try OwnedFileDescriptor.open(
                        root + "/\(number)/\(file)", [.writeOnly, .create], permissions: 0o600)
                }
            }
            let tracker = ResourceTracker(executable: helperPath)
            try tracker.register(root, .directory)
            let ended = try Background { try tracker.close() }
            // Until the root is gone: each directory in turn is moved away, with a link in its place.
            while exists(root) {
                for number in 0..<100 {
                    let (path, moved) = (root + "/\(number)", directory.file("moved-\(number)"))
                    if rename(path, moved) == 0 { symlink(outside, path) }
                }
            }
            _ = try ended.get()
            for file in kept { #expect(exists(file)) }
            for file in kept { unlink(file) }
            rmdir(outside)
            for number in 0..<100 {
                let moved = directory.file("moved-\(number)")
                for file in 0..<20 { unlink(moved + "/\(file)") }
                if rmdir(moved) != 0 { unlink(moved) }
            }
        }
    }

    @Test("files in a tracked directory go before it, and their being gone is no failure")
    func fileInDirectory() throws {
        let directory = try TemporaryDirectory()
        #expect(mkdir(directory.file("root"), 0o700) == 0)
        let file = try directory.makeFile("root/file")
        try withTracker(endsWith: .exited(1)) { tracker, _ in
            try tracker.register(directory.file("root"), .directory)
            try tracker.register(file, .file)
        }
        #expect(!exists(directory.file("root")))
    }

    @Test("a relative path means what it meant to who registered it")
    func relativePath() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        let path = directory.file("")
        let program = try RunningProgram(helper, ["client", "register", "file", "file", "tracker", "gate"]) { options in
            options.workingDirectory = path
        }
        let tracker = try #require(try program.nextProcesses().first)
        try kill(program)
        #expect(try tracker.ends())
        #expect(!exists(file))
    }

    @Test("what would remove everything is refused", arguments: ["/", "//", "///"])
    func everything(path: String) throws {
        try withTracker { tracker, _ in
            try tracker.start()
            #expect(throws: ResourceTrackerError.self) { try tracker.register(path, .directory) }
        }
    }

    @Test("a socket's path is removed, and nothing else that stands there")
    func socket() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("socket")
        let listener = try OwnedFileDescriptor.socket(family: AF_UNIX)
        try listener.descriptor.bind(to: try SocketAddress(unixPath: path))
        #expect(exists(path))
        try withTracker(endsWith: .exited(1)) { tracker, _ in try tracker.register(path, .unixSocket) }
        #expect(!exists(path))
    }

    @Test("a process group is killed, all of it, with the one who registered it")
    func processGroup() throws {
        try withTracker(endsWith: .exited(1)) { tracker, _ in
            let client = try startClient("leader", "gate", sharing: tracker)
            let members = try client.nextProcesses()
            #expect(members.count == 2 && members.allSatisfy(\.isRunning))
            try kill(client)
            for member in members { #expect(try member.ends()) }
        }
    }

    @Test("a process group whose number is another's by now is left alone")
    func recycledGroup() throws {
        var options = SpawnOptions(arguments: ["sleep", "1000"])
        options.ownProcessGroup = true
        let sleeper = try ProcessID.spawn("/bin/sleep", options)
        defer {
            try? sleeper.send(.kill)
            _ = try? sleeper.wait()
        }
        try withTracker(endsWith: .exited(1)) { tracker, _ in try tracker.register("\(sleeper)@1", .processGroup) }
        #expect(try sleeper.poll() == nil)
    }

    @Test("numbers that mean more than a group are no groups", arguments: ["0", "1", "-1", "x", "", "12@3@4"])
    func noGroup(name: String) throws {
        if name.isEmpty {
            try withTracker { tracker, _ in
                try tracker.start()
                #expect(throws: ResourceTrackerError.self) { try tracker.register(name, .processGroup) }
                #expect(throws: ResourceTrackerError.self) {
                    try tracker.register(processGroup: ProcessID(rawValue: 1))
                }
            }
        } else {
            try withTracker(endsWith: .exited(2)) { tracker, _ in try tracker.register(name, .processGroup) }
        }
    }

    @Test("a custom kind's own clean-up runs in the tracker")
    func custom() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        let program = try startClient("custom", file, "tracker", "gate")
        let tracker = try #require(try program.nextProcesses().first)
        try kill(program)
        #expect(try tracker.ends())
        #expect(!exists(file) && exists(file + ".removed"))
        unlink(file + ".removed")
    }

    @Test("a clean-up that crashes or throws costs the tracker nothing, and is told")
    func crashingCleanUp() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        var program = try startClient("crashing", "a", "throwing", "b", "register", "file", file, "tracker", "gate")
        let tracker = try #require(try program.nextProcesses().first)
        try program.openGate()
        #expect(try tracker.ends())
        #expect(!exists(file))
        let errors = try program.waitForOutcome().errors
        #expect(errors.contains("cannot remove CrashingResource a: its clean-up was no success (killed by SIGILL)"))
        #expect(errors.contains("cannot remove ThrowingResource b: it would rather not"))
    }

    @Test("clean-ups that hang, whatever they have closed, hold up no other, and are killed when their time is up")
    func hangingCleanUp() throws {
        let directory = try TemporaryDirectory()
        // More than run at a time; what comes behind them is to be done all the same.
        let hanging = try (0..<3).map { try directory.makeFile("hanging-\($0)") }
        let closing = try (0..<3).map { try directory.makeFile("closing-\($0)") }
        let last = directory.file("last")
        let names = try ResourceNames()
        let tracker = ResourceTracker(executable: helperPath, cleanUpLimit: .milliseconds(200))
        let words = hanging.flatMap { ["hanging", $0] } + closing.flatMap { ["closing", $0] }
        let door = try tracker.commandDescriptor()
        let client = try RunningProgram(helper, ["client", "inherit"] + words + ["report", "gate"]) {
            $0.descriptors[5] = door.descriptor
        }
        door.discard()
        #expect(try client.nextReport() == "done")
        #expect(mkdir(last, 0o700) == 0)
        try tracker.register(last, .directory)
        try kill(client)
        #expect(becomesTrue { (hanging + closing).allSatisfy { !exists($0) } })
        // Meanwhile it does what needs no process.
        _ = try tracker.createSharedMemory(names.segment, size: 1)
        try tracker.dropReference(names.segment, .sharedMemory)
        #expect(becomesTrue { !names.hasSegment })
        #expect(try tracker.close() == .exited(2))
        #expect(!exists(last))
    }

    @Test("a custom kind that the tracker does not have is told, and a private one is refused at once")
    func unknownCustom() throws {
        try withTracker(endsWith: .exited(2)) { tracker, _ in try tracker.register("x", .custom(OnlyHere.self)) }
        #expect(throws: ResourceTrackerError.self) { try ResourceKind.custom(PrivateKind.self) }
    }
}

/// The test runner's, which the tracker's executable has not.
enum OnlyHere: CustomResource {
    static func remove(_ name: [UInt8]) throws {}
}

private enum PrivateKind: CustomResource {
    static func remove(_ name: [UInt8]) throws {}
}
