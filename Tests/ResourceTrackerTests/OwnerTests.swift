import ProcessTestSupport
import ResourceTracker
import Syscalls
import TestSupport
import Testing

@Suite("Owners of resources", .timeLimit(.minutes(10))) struct OwnerTests {
    @Test("what only one process had goes when it dies, while others of the program go on")
    func onlyOwnerDies() throws {
        try withTracker(endsWith: .exited(1)) { tracker, names in
            _ = try tracker.createSemaphore(names.semaphore, value: 0)
            let client = try startClient("create", "shared_memory", names.segment, "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            #expect(names.hasSegment)
            try kill(client)
            #expect(becomesTrue { !names.hasSegment })
            #expect(names.hasSemaphore)
            try tracker.unlink(names.semaphore, .semaphore)
        }
    }

    @Test("what two processes have stays until the second is gone, in whatever way each goes")
    func twoOwners() throws {
        try withTracker(endsWith: .exited(1)) { tracker, names in
            let one = try startClient("create", "shared_memory", names.segment, "report", "gate", sharing: tracker)
            #expect(try one.nextReport() == "done")
            let two = try startClient("register", "shared_memory", names.segment, "report", "gate", sharing: tracker)
            #expect(try two.nextReport() == "done")
            try kill(one)
            // A further owner that comes and goes shows that the tracker has seen the end of the first.
            let third = try startClient("create", "semaphore", names.semaphore, "report", "gate", sharing: tracker)
            #expect(try third.nextReport() == "done")
            try kill(third)
            #expect(becomesTrue { !names.hasSemaphore })
            #expect(names.hasSegment)
            try two.openGate()
            #expect(becomesTrue { !names.hasSegment })
        }
    }

    @Test("each process drops its own reference, and the last has the resource removed")
    func dropOneEach() throws {
        try withTracker { tracker, names in
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            let client = try startClient(
                "register", "shared_memory", names.segment, "report", "gate", "drop", "shared_memory", names.segment,
                "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            try tracker.dropReference(names.segment, .sharedMemory)
            _ = try tracker.createSemaphore(names.semaphore, value: 0)
            try tracker.dropReference(names.semaphore, .semaphore)
            #expect(becomesTrue { !names.hasSemaphore })
            #expect(names.hasSegment)
            try client.openGate()
            #expect(try client.nextReport() == "done")
            #expect(becomesTrue { !names.hasSegment })
            try kill(client)
        }
    }

    @Test("a reference that was taken for another process is dropped by that one")
    func handedOver() throws {
        try withTracker { tracker, names in
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            let client = try startClient("drop", "shared_memory", names.segment, "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            #expect(becomesTrue { !names.hasSegment })
            try kill(client)
        }
    }

    @Test("what one process forgets is forgotten for all, in the order in which they act")
    func unregisteredElsewhere() throws {
        for _ in 0..<20 {
            try withTracker { tracker, names in
                _ = try tracker.createSharedMemory(names.segment, size: 1)
                let client = try startClient(
                    "register", "shared_memory", names.segment, "unregister", "shared_memory", names.segment, "report",
                    "gate", "register", "shared_memory", names.segment, "report", "gate", sharing: tracker)
                #expect(try client.nextReport() == "done")
                // Were the two commands of the other pipe read later than this one, it would be forgotten.
                try tracker.register(names.segment, .sharedMemory)
                try client.openGate()
                #expect(try client.nextReport() == "done")
                try tracker.unlink(names.segment, .sharedMemory)
                try kill(client)
            }
        }
    }

    @Test("attaching to a segment that somebody else has never removes it, whoever dies")
    func attach() throws {
        try withTracker { tracker, names in
            // Another program's, which this tracker knows nothing of.
            _ = try SharedMemory(creating: names.segment, size: 64)
            let client = try startClient("attach", names.segment, "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            try kill(client)
        }
        let names = try ResourceNames()
        _ = try SharedMemory(creating: names.segment, size: 64)
        let client = try startClient("attach", names.segment, "create", "semaphore", names.semaphore, "tracker", "gate")
        let tracker = try #require(try client.nextProcesses().first)
        try kill(client)
        #expect(try tracker.ends())
        #expect(names.hasSegment && !names.hasSemaphore)
    }

    @Test("who finds the name taken has registered nothing, and its end removes nothing")
    func taken() throws {
        try withTracker { tracker, names in
            _ = try tracker.createSharedMemory(names.segment, size: 1)
            let client = try startClient(
                "create-taken", "shared_memory", names.segment, "report", "gate", sharing: tracker)
            #expect(try client.nextReport() == "done")
            try kill(client)
            try tracker.unlink(names.segment, .sharedMemory)
        }
    }

    @Test("of many who create the same name at once one gets it, and the others' failure leaves it registered")
    func race() throws {
        for _ in 0..<10 {
            let names = try ResourceNames()
            let tracker = ResourceTracker(executable: helperPath)
            try tracker.start()
            let name = names.segment
            func create() throws -> Background<Bool> {
                try Background {
                    let own = ResourceTracker(executable: helperPath)
                    own.inherit(try tracker.commandDescriptor())
                    do throws(ResourceTrackerError) {
                        _ = try own.createSharedMemory(name, size: 1)
                    } catch {
                        #expect(error == .system(.fileExists))
                        return false
                    }
                    // Kept until the end, as the owner would.
                    winner.withLock { $0 = own }
                    return true
                }
            }
            let one = try create()
            let two = try create()
            let three = try create()
            let won = [try one.get(), try two.get(), try three.get()].filter { $0 }.count
            #expect(won == 1 && names.hasSegment)
            winner.withLock { $0 = nil }
            #expect(try tracker.close() == .exited(1))
            #expect(!names.hasSegment)
        }
    }

    @Test("a forked copy does not speak for its parent, nor keep it alive for the tracker")
    func forkedCopy() throws {
        try withTracker(endsWith: .exited(1)) { tracker, names in
            let program = try startClient(
                "create", "shared_memory", names.segment, "fork", "create", "semaphore", names.semaphore, "report",
                "gate", sharing: tracker)
            // The copy and the first one report in any order.
            let lines = [try program.nextReport(), try program.nextReport()]
            let copy = try WatchedProcess(
                ProcessID(rawValue: try #require(lines.compactMap { Int32($0) }.first)))
            // Only the first one: the copy has its pipes to the test too.
            let first = try WatchedProcess(program.process)
            try first.send(.kill)
            #expect(try first.ends())
            #expect(becomesTrue { !names.hasSegment })
            #expect(copy.isRunning && names.hasSemaphore)
            try copy.send(.kill)
            #expect(becomesTrue { !names.hasSemaphore })
            _ = consume program
        }
    }
}

private let winner = Lock<ResourceTracker?>(nil)
