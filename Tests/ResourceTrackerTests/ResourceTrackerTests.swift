import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

@Suite("ResourceTracker", .timeLimit(.minutes(10))) struct ResourceTrackerTests {
    @Test("a program that did not call bootstrap gets an error, and no process is started")
    func forgottenBootstrap() throws {
        #expect(try runHelper(helper, ["forgot"]) == .success)
        #expect("\(ResourceTrackerError.notBootstrapped)".contains("bootstrap()"))
    }

    @Test("a tracker that was never used has no process")
    func unused() throws {
        let tracker = ResourceTracker(executable: helperPath)
        #expect(tracker.processID == nil)
        #expect(try tracker.close() == nil)
    }

    @Test("a segment and a semaphore that were removed are no leaks: code 0")
    func clean() throws {
        try withTracker { tracker, names in
            let segment = try tracker.createSharedMemory(names.segment, size: 100)
            let semaphore = try tracker.createSemaphore(names.semaphore, value: 3)
            #expect(try segment.size() == 100)
            #expect(try semaphore.tryWait())
            #expect(names.hasSegment && names.hasSemaphore)
            try tracker.unlink(names.segment, .sharedMemory)
            try tracker.unlink(names.semaphore, .semaphore)
            #expect(!names.hasSegment && !names.hasSemaphore)
        }
    }

    @Test("what is still registered at the end is removed: code 1")
    func leaked() throws {
        let names = try ResourceNames()
        let tracker = ResourceTracker(executable: helperPath)
        _ = try tracker.createSharedMemory(names.segment, size: 1)
        _ = try tracker.createSemaphore(names.semaphore, value: 0)
        #expect(names.hasSegment && names.hasSemaphore)
        #expect(try tracker.close() == .exited(1))
        #expect(!names.hasSegment && !names.hasSemaphore)
    }

    @Test("a leak that somebody else has removed is no failure, but a leak: code 1")
    func goneAlready() throws {
        try withTracker(endsWith: .exited(1)) { tracker, names in
            try tracker.register(names.segment, .sharedMemory)
        }
    }

    @Test("a leak that cannot be removed: code 2")
    func removalFails() throws {
        // A directory, which shm_unlink does not remove.
        try withTracker(endsWith: .exited(2)) { tracker, _ in try tracker.register("/.", .sharedMemory) }
    }

    @Test(
        "something that is no command: code 3, and the commands around it count",
        arguments: [
            "NONSENSE\n", "\n", "REGISTER:/x:floppy\n", String(repeating: "x", count: 600) + "\n", "\u{0}\n",
        ])
    func badLine(line: String) throws {
        try withTracker(endsWith: .exited(3)) { tracker, names in
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            let commands = try tracker.commandDescriptor()
            try commands.descriptor.writeAll(line)
            try tracker.unlink(names.segment, .sharedMemory)
        }
    }

    @Test("a registration is forgotten at once, however often it was made")
    func unregister() throws {
        try withTracker { tracker, names in
            for _ in 0..<3 { try tracker.register(names.segment, .sharedMemory) }
            try tracker.unregister(names.segment, .sharedMemory)
        }
    }

    @Test("with the last of several references the tracker removes the resource")
    func dropReference() throws {
        try withTracker { tracker, names in
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            try tracker.register(names.segment, .sharedMemory)
            try tracker.dropReference(names.segment, .sharedMemory)
            // A command behind it that shows by its effect that the tracker has come so far.
            _ = try tracker.createSemaphore(names.semaphore, value: 0)
            try tracker.dropReference(names.semaphore, .semaphore)
            #expect(becomesTrue { !names.hasSemaphore })
            #expect(names.hasSegment)
            try tracker.dropReference(names.segment, .sharedMemory)
            #expect(becomesTrue { !names.hasSegment })
        }
    }

    @Test("dropping a reference that nobody has, or forgetting what is unknown, is a warning and no failure")
    func unknown() throws {
        try withTracker { tracker, names in
            try tracker.dropReference(names.segment, .sharedMemory)
            try tracker.unregister(names.segment, .sharedMemory)
        }
    }

    @Test("creating what somebody else has is .fileExists, and neither forgets nor removes theirs")
    func nameTaken() throws {
        let names = try ResourceNames()
        let owner = ResourceTracker(executable: helperPath)
        _ = try owner.createSharedMemory(names.segment, size: 1)
        _ = try owner.createSemaphore(names.semaphore, value: 0)
        for other in [owner, ResourceTracker(executable: helperPath)] {
            #expect(throws: ResourceTrackerError.system(.fileExists)) {
                _ = try other.createSharedMemory(names.segment, size: 1)
            }
            #expect(throws: ResourceTrackerError.system(.fileExists)) {
                _ = try other.createSemaphore(names.semaphore, value: 0)
            }
            if other !== owner { try other.close() }
        }
        #expect(names.hasSegment && names.hasSemaphore)
        // Still the owner's leaks.
        #expect(try owner.close() == .exited(1))
        #expect(!names.hasSegment && !names.hasSemaphore)
    }

    @Test("a creation that fails is forgotten")
    func creationFails() throws {
        try withTracker { tracker, _ in
            #expect(throws: ResourceTrackerError.system(.invalidArgument)) {
                _ = try tracker.createSharedMemory("/a/b", size: 1)
            }
        }
    }

    @Test(
        "a name that nothing can have is refused before it is sent",
        arguments: ["", String(repeating: "n", count: 5000), "zero\0byte"])
    func invalidName(name: String) throws {
        try withTracker { tracker, _ in
            try tracker.start()
            #expect(throws: ResourceTrackerError.self) { try tracker.register(name, .semaphore) }
            #expect(throws: ResourceTrackerError.self) { _ = try tracker.createSharedMemory(name, size: 1) }
        }
    }

    @Test("an executable that is not there is an error")
    func missingExecutable() {
        #expect(throws: ResourceTrackerError.system(.noSuchFileOrDirectory)) {
            try ResourceTracker(executable: "/nonexistent/program").start()
        }
    }

    @Test("many threads use a tracker at once, and every line arrives whole")
    func manyThreads() throws {
        try withTracker { tracker, names in
            let name = names.segment
            func begin(_ thread: Int) throws -> Background<Void> {
                try Background {
                    for index in 0..<300 {
                        try tracker.register("\(name)-\(thread)-\(index)", .sharedMemory)
                        try tracker.unregister("\(name)-\(thread)-\(index)", .sharedMemory)
                    }
                }
            }
            let one = try begin(1)
            let two = try begin(2)
            let three = try begin(3)
            try one.get()
            try two.get()
            try three.get()
        }
    }
}

@Suite("A tracker and its program's death", .timeLimit(.minutes(10))) struct TrackerLifeTests {
    @Test("what a program leaves behind that is killed is removed, and the tracker ends")
    func killedProgram() throws {
        let names = try ResourceNames()
        var program = try RunningProgram(helper, ["hold", names.segment, names.semaphore])
        let tracker = try #require(try program.nextProcesses().first)
        #expect(names.hasSegment && names.hasSemaphore)
        #expect(becomesTrue { tracker.process.commandName == "resource tracke" })
        let outcome = try program.kill()
        #expect(outcome.status == .signaled(9, coreDumped: false))
        #expect(try tracker.ends())
        #expect(!names.hasSegment && !names.hasSemaphore)
    }

    @Test("what was unregistered stays when the program is killed")
    func killedProgramUnregistered() throws {
        let names = try ResourceNames()
        var program = try RunningProgram(helper, ["hold", names.segment, names.semaphore, "unregistered"])
        let tracker = try #require(try program.nextProcesses().first)
        _ = try program.kill()
        #expect(try tracker.ends())
        #expect(names.hasSegment && names.hasSemaphore)
    }

    @Test("a tracker says what it removes")
    func warning() throws {
        let names = try ResourceNames()
        var program = try RunningProgram(helper, ["hold", names.segment, names.semaphore])
        let tracker = try #require(try program.nextProcesses().first)
        try program.openGate()
        #expect(try tracker.ends())
        let errors = try program.waitForOutcome().errors
        #expect(errors.contains(names.segment) && errors.contains("1 leaked shared_memory"))
        #expect(errors.contains(names.semaphore) && errors.contains("1 leaked semaphore"))
    }

    @Test("SIGINT, SIGTERM and SIGHUP do not end a tracker, from its first moment on")
    func signals() throws {
        let names = try ResourceNames()
        #expect(try runHelper(helper, ["signals", names.segment]) == .success)
    }

    @Test("a tracker that is killed is started again with a warning, and knows what was registered")
    func killedTracker() throws {
        let names = try ResourceNames()
        var program = try RunningProgram(helper, ["killed-tracker", names.segment, names.semaphore])
        let tracker = try #require(try program.nextProcesses().first)
        #expect(names.hasSegment && names.hasSemaphore)
        let outcome = try program.kill()
        #expect(outcome.errors.contains("killed by SIGKILL"))
        #expect(try tracker.ends())
        #expect(!names.hasSegment && !names.hasSemaphore)
    }

    @Test("a tracker lives as long as one of those who share it")
    func sharedTracker() throws {
        let names = try ResourceNames()
        let tracker = ResourceTracker(executable: helperPath)
        let other = try tracker.commandDescriptor()
        let process = try WatchedProcess(try #require(tracker.processID))
        let name = names.segment
        try other.descriptor.writeAll("REGISTER:\(name):shared_memory\n")
        let ended = try Background { try tracker.close() }
        try other.descriptor.writeAll("UNREGISTER:\(name):shared_memory\n")
        #expect(process.isRunning)
        other.discard()
        #expect(try ended.get() == .exited(0))
    }
}
