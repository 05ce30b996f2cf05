import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

/// Kills a tracker, and waits until there is another.
private func killTracker(_ tracker: ResourceTracker) throws {
    let process = try WatchedProcess(try #require(tracker.processID))
    try process.send(.kill)
    #expect(try process.ends())
    #expect(becomesTrue { tracker.processID.map { $0 != process.process } ?? false })
}

@Suite("A tracker that is killed", .timeLimit(.minutes(10))) struct RestartTests {
    @Test("the next one knows what every process has registered, also those that are busy with something else")
    func remembers() throws {
        try withTracker(endsWith: .exited(1)) { tracker, names in
            let directory = try TemporaryDirectory()
            let file = try directory.makeFile("file")
            let kept = try directory.makeFile("kept")
            let door = try tracker.commandDescriptor()
            try door.descriptor.writeAll("REGISTER:\(file):file\n")
            _ = try tracker.createSemaphore(names.semaphore, value: 0)
            try tracker.register(kept, .file)
            let client = try startClient("create", "shared_memory", names.segment, "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            for _ in 0..<3 { try killTracker(tracker) }
            #expect(names.hasSegment && names.hasSemaphore && exists(file))
            // It has not said a word since.
            try kill(client)
            #expect(becomesTrue { !names.hasSegment })
            try tracker.unlink(names.semaphore, .semaphore)
            try tracker.unregister(kept, .file)
            #expect(exists(file))
            door.discard()
            #expect(exists(kept))
        }
    }

    @Test("references are counted on, and the code of the end knows of earlier leaks")
    func counts() throws {
        try withTracker(endsWith: .exited(1)) { tracker, names in
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            let client = try startClient(
                "register", "shared_memory", names.segment, "create", "semaphore", names.semaphore, "report", "gate",
                "drop", "shared_memory", names.segment, "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            try killTracker(tracker)
            try tracker.dropReference(names.segment, .sharedMemory)
            try killTracker(tracker)
            #expect(names.hasSegment)
            try client.openGate()
            #expect(try client.nextReport() == "done")
            #expect(becomesTrue { !names.hasSegment })
            try kill(client)
            #expect(becomesTrue { !names.hasSemaphore })
            try killTracker(tracker)
        }
    }

    @Test("a client need not notice: what it sends meanwhile arrives, and what dies meanwhile is cleaned up after")
    func meanwhile() throws {
        try withTracker(endsWith: .exited(1)) { tracker, names in
            let client = try startClient(
                "create", "shared_memory", names.segment, "report", "gate", "create", "semaphore", names.semaphore,
                "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            let process = try WatchedProcess(try #require(tracker.processID))
            try process.send(.kill)
            try client.openGate()
            #expect(try client.nextReport() == "done")
            try kill(client)
            #expect(becomesTrue { !names.hasSegment && !names.hasSemaphore })
        }
    }

    @Test("killed again and again while several processes register, it loses and confuses nothing")
    func underLoad() throws {
        let directory = try TemporaryDirectory()
        let tracker = ResourceTracker(executable: helperPath)
        let path = directory.path
        let count = 150
        func start() throws -> RunningProgram {
            let door = try tracker.commandDescriptor()
            return try RunningProgram(helper, ["storm", path, "\(count)", "inherit"]) {
                $0.descriptors[5] = door.descriptor
            }
        }
        let one = try start()
        let two = try start()
        let three = try start()
        let killing = try Background {
            var kills = 0
            // So often and no more: on a busy machine none might live long enough to empty the pipes.
            while kills < 15 {
                // At any moment of its life, its start included. A number that is told before and after is surely its own.
                if let process = tracker.processID, let watched = try? WatchedProcess(process),
                    tracker.processID == process, (try? watched.send(.kill)) != nil
                {
                    kills += 1
                }
                Deadline.after(.milliseconds(Int.random(in: 1...60))).sleep()
            }
            return kills
        }
        for line in ["begun", "registered"] {
            #expect(try one.nextReport() == line)
            #expect(try two.nextReport() == line)
            #expect(try three.nextReport() == line)
        }
        #expect(try killing.get() == 15)
        func kept() throws -> Int { try directoryEntries(path).filter { $0.hasPrefix("kept") }.count }
        #expect(try kept() == 3 * count)
        try kill(one)
        #expect(try becomesTrue { try kept() == 2 * count })
        try kill(two)
        try kill(three)
        #expect(try tracker.close() == .exited(1))
        #expect(try directoryEntries(path) == [])
    }

    @Test("there is one warning for each time, by the process that starts the next one")
    func warning() throws {
        let names = try ResourceNames()
        var program = try startClient("create", "shared_memory", names.segment, "tracker", "gate", "tracker", "gate")
        let first = try #require(try program.nextProcesses().first)
        try first.send(.kill)
        #expect(try first.ends())
        #expect(becomesTrue { (try? program.process.children().first).map { $0 != first.process } ?? false })
        try program.openGate()
        let second = try #require(try program.nextProcesses().first)
        try program.openGate()
        #expect(try second.ends())
        let lines = try program.waitForOutcome().errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.contains("ended unexpectedly (killed by SIGKILL); another one") == true)
        #expect(lines.last?.contains("1 leaked shared_memory") == true)
    }

    @Test("one that dies by itself again and again is given up, and commands are an error then")
    func givenUp() throws {
        let directory = try TemporaryDirectory()
        let starts = directory.file("starts")
        let script = directory.file("tracker")
        try makeScript("echo started >> \(starts)\nexit 9\n", at: script)
        var program = try startClient("own", script, "given-up", "broken", "file", "/nonexistent/x")
        let outcome = try program.waitForOutcome()
        #expect(outcome.status == .exited(0))
        #expect(try text(ofFile: starts) == "started\nstarted\nstarted\n")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 3 && lines.dropLast().allSatisfy { $0.contains("another one is started") })
        #expect(lines.last?.contains("ended again and again (exited with code 9); nothing is tracked any more") == true)
    }

    @Test("without the process that would start another, commands are an error, and nothing hangs")
    func nobodyLeft() throws {
        let names = try ResourceNames()
        let starter = try startClient(
            "create", "shared_memory", names.segment, "tracker", "fork", "gate", "broken", "file", "/nonexistent/x",
            "report", "gate")
        let tracker = try #require(try starter.nextProcesses().first)
        let copy = try #require(try starter.nextProcesses().first)
        let starterProcess = try WatchedProcess(starter.process)
        // The copy has the program's pipes too, and goes on.
        try starterProcess.send(.kill)
        #expect(try starterProcess.ends())
        #expect(becomesTrue { !names.hasSegment })
        #expect(tracker.isRunning)
        try tracker.send(.kill)
        #expect(try tracker.ends())
        try starter.openGate()
        #expect(try starter.nextReport() == "done")
        try copy.send(.kill)
    }
}
