import FDPassing
import ForkServerTestPrograms
import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@testable import ForkServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private typealias ExitStatus = Syscalls.ExitStatus

@Suite("What a server loads ahead", .timeLimit(.minutes(10)))
struct PreloadTests {
    @Test("what a preload has printed without writing it out appears once, and its exit handlers run in no child")
    func bufferedOutput() throws {
        let directory = try TemporaryDirectory()
        let file = try OwnedFileDescriptor.open(directory.file("output"), [.writeOnly, .create])
        var options = hosted { $0.preloads = [PrintingPreload()] }
        options.standardOutput = try PassedDescriptor(duplicating: file.descriptor)
        try withServer(options) { server throws in
            for code in [CInt(0), 3, 4] {
                #expect(try server.spawn(LeaveByExit(code: code)).wait(until: .generous) == .exited(code))
            }
        }
        let printed = try text(ofFile: directory.file("output"))
        #expect(printed.occurrences(of: "preloaded;") == 1)
        #expect(printed.occurrences(of: "the child's handler") == 3)
        #expect(printed.occurrences(of: "the server's handler;") <= 1)
    }

    @Test("a tracked resource that a preload makes is the server's: children use it, and it goes with the server")
    func trackedResource() throws {
        let names = try ResourceNames()
        try withServer(hosted { $0.preloads = [SegmentPreload(names.segment)] }, trackerEndsWith: .exited(1)) {
            server throws in
            for _ in 0..<3 {
                #expect(try server.spawn(AttachSegment(names.segment)).wait(until: .generous) == .exited(0))
            }
            #expect(names.hasSegment)
            server.shutDown()
            #expect(becomesTrue { !names.hasSegment })
        }
    }

    @Test(
        "a preload that fails is no obstacle where that was asked for",
        arguments: [ForkServer.PreloadFailurePolicy.ignore, .warn])
    func tolerated(policy: ForkServer.PreloadFailurePolicy) throws {
        let options = hosted {
            $0.preloads = [FailingPreload(), NoteLoad("second")]
            $0.preloadFailure = policy
        }
        try withServer(options) { server throws in
            #expect(try server.spawn(Leave(code: 5)).wait(until: .generous) == .exited(5))
        }
    }

    @Test("a warning names the preload, and says what is wrong")
    func warning() throws {
        let outcome = try runHelper("ForkServerHost", ["failing-preload"])
        #expect(outcome.status == .exited(0))
        #expect(outcome.errors.contains("FailingPreload") && outcome.errors.contains("the table is missing"))
    }

    @Test("a file that was mapped ahead is mapped in the children, and one that is not there is an error")
    func mappedFile() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("table")
        let file = try OwnedFileDescriptor.open(path, [.writeOnly, .create])
        try file.descriptor.writeAll("a table")
        try withServer(hosted { $0.preloads = [MappedFilePreload(path)] }) { server throws in
            #expect(try server.spawn(LookForMapping(of: path)).wait(until: .generous) == .exited(0))
            #expect(try server.spawn(LookForMapping(of: path + "-2")).wait(until: .generous) == .exited(1))
        }
        #expect {
            try withServer(hosted { $0.preloads = [MappedFilePreload(path + "-2")] }) { try $0.start() }
        } throws: { error in
            guard case ForkServerError.preloadFailed(let name, _) = error else { return false }
            return name == "MappedFilePreload"
        }
    }

    @Test(
        "a library that was loaded ahead is mapped in the children, and one that is not there is an error that names it"
    )
    func sharedLibrary() throws {
        // One that nothing here is linked with.
        let library = "libanl.so.1"
        try withServer { server throws in
            #expect(try server.spawn(LookForMapping(of: library)).wait(until: .generous) == .exited(1))
        }
        try withServer(hosted { $0.preloads = [SharedLibraryPreload(library)] }) { server throws in
            #expect(try server.spawn(LookForMapping(of: library)).wait(until: .generous) == .exited(0))
        }
        #expect {
            try withServer(hosted { $0.preloads = [SharedLibraryPreload("libthere-is-none.so")] }) { try $0.start() }
        } throws: { error in
            guard case ForkServerError.preloadFailed("SharedLibraryPreload", let reason) = error else { return false }
            return reason.contains("libthere-is-none.so")
        }
    }

    #if os(Linux)
        @Test("a server that cannot fork says so to each who asks, and goes on")
        func noMoreProcesses() throws {
            try withServer(hosted { $0.preloads = [DenyForks()] }) { server in
                for _ in 1...3 {
                    #expect {
                        try server.spawn(Leave(), until: .generous)
                    } throws: { error in
                        guard case ForkServerError.forkFailed(.resourceTemporarilyUnavailable) = error else {
                            return false
                        }
                        return true
                    }
                }
                let statistics = try server.statistics()
                #expect(statistics?.forks == 0 && statistics?.childrenRunning == 0)
                var options = hosted()
                options.preloads = []
                try server.reload(options)
                #expect(try server.spawn(Leave(code: 6)).wait(until: .generous) == .exited(6))
            }
        }
    #endif

    @Test("a named executable that was replaced is an error that says so, and reload takes the new one")
    func replacedExecutable() throws {
        let directory = try TemporaryDirectory()
        let copy = directory.file("program")
        try copyExecutable(hostPath, to: copy)
        try withServer(hosted { $0.executable = copy }) { server in
            #expect(try server.spawn(Leave(code: 1)).wait(until: .generous) == .exited(1))
            let watched = try WatchedProcess(try #require(server.processID))
            unlink(copy)
            try copyExecutable(hostPath, to: copy)
            try watched.send(.kill)
            #expect(try watched.ends())
            #expect { try server.spawn(Leave()) } throws: { error in
                guard case ForkServerError.executableReplaced(let path) = error else { return false }
                return path == copy
            }
            try server.reload()
            #expect(try server.spawn(Leave(code: 2)).wait(until: .generous) == .exited(2))
        }
    }

    @Test("a function that bootstrap was told of runs by its name, and one that it was not is an error of the child")
    func entryPoints() throws {
        try withServer { server throws in
            let child = try server.spawn(entryPoint: "leave", arguments: ["4", "2"])
            #expect(try child.wait(until: .generous) == .exited(42))
            var options = ChildOptions()
            options.standardError = .captured()
            let unknown = try server.spawn(entryPoint: "unknown", options: options)
            #expect(try unknown.wait(until: .generous) == .exited(1))
            #expect(unknown.capturedStandardError?.text.contains("unknown") == true)
        }
    }

    @Test("how many spares there are by themselves depends on what a fork takes")
    func automaticSpares() {
        let spares = Spares(.automatic)
        // One, to see what it takes.
        #expect(spares.needsAnother)
        spares.noteFork(taking: .microseconds(5))
        #expect(!spares.needsAnother)
        for _ in 0..<20 { spares.noteFork(taking: .milliseconds(1)) }
        #expect(spares.needsAnother)
        for _ in 0..<20 { spares.noteFork(taking: .microseconds(5)) }
        #expect(!spares.needsAnother)
    }

    @Test("spares that die are forked ever more slowly, up to a limit, until one serves")
    func backingOff() throws {
        let spares = Spares(.fixed(1))
        let dead = ServerChild(.current, .dismissed)
        let now = Deadline.now
        #expect(spares.nextChange(0, after: now) == now + Spares.idleTime)
        var pauses: [Duration] = []
        for _ in 1...20 {
            spares.hasDied(dead)
            pauses.append(spares.pause)
            // However long ago it was that there was something to do.
            #expect(
                try #require(spares.nextChange(0, after: now + .seconds(-60))) > now + spares.pause + .milliseconds(-1))
        }
        #expect(pauses == pauses.sorted() && pauses[1] == pauses[0] * 2)
        #expect(pauses.last == .seconds(10))
        spares.hasServed()
        #expect(spares.nextChange(0, after: now) == now + Spares.idleTime)
    }

    #if os(Linux)
        @Test("a child that wants to end with its server does, and others go on")
        func serverDeathSignal() throws {
            try withServer { server in
                let started = try Pipe()
                var options = ChildOptions()
                options.serverDeathSignal = .kill
                let bound = try server.spawn(
                    Spin(PassedDescriptor(started.writeEnd)), options: options)
                let other = try spinningChild(of: server)
                let watched = try WatchedProcess(try #require(server.processID))
                try watched.send(.kill)
                #expect(try watched.ends())
                #expect(try [.signaled(9, coreDumped: false), .unknown].contains(bound.wait(until: .generous)))
                #expect(other.isRunning)
                try other.kill()
            }
        }
    #endif
}
