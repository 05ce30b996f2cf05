import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@testable import ResourceTracker

@Suite("What a tracker says", .timeLimit(.minutes(10))) struct ReportTests {
    @Test("leaks are told by kind, name and owner, those of living trackers at once and the rest by the end of close")
    func callback() throws {
        let names = try ResourceNames()
        let directory = try TemporaryDirectory()
        let file = try directory.makeFile("file")
        let tracker = ResourceTracker(executable: helperPath)
        let log = LeakLog(of: tracker)
        let client = try startClient("create", "shared_memory", names.segment, "report", "gate", sharing: tracker)
        #expect(try client.nextReport() == "done")
        let process = client.process
        #expect(log.leaks.isEmpty)
        try kill(client)
        let first = LeakedResource(kind: .sharedMemory, nameBytes: Array(names.segment.utf8), owner: process)
        #expect(becomesTrue { log.leaks == [first] })
        try tracker.register(file, .file)
        let door = try tracker.commandDescriptor()
        try door.descriptor.writeAll("REGISTER:\(names.semaphore):semaphore\n")
        door.discard()
        #expect(try tracker.close() == .exited(1))
        #expect(
            log.leaks == [
                first, LeakedResource(kind: .file, nameBytes: Array(file.utf8), owner: .current),
                LeakedResource(kind: .semaphore, nameBytes: Array(names.semaphore.utf8), owner: nil),
            ])
    }

    @Test("a program that leaks very much is told of all of it")
    func manyLeaks() throws {
        let tracker = ResourceTracker(executable: helperPath)
        let log = LeakLog(of: tracker)
        for number in 0..<3000 { try tracker.register("/nonexistent/\(number)", .file) }
        #expect(try tracker.close() == .exited(1))
        #expect(log.leaks.count == 3000)
    }

    @Test("registering twice and unregistering what is unknown are one line each, and no failure")
    func warnings() throws {
        let names = try ResourceNames()
        let name = names.segment
        var program = try startClient(
            "register", "shared_memory", name, "register", "shared_memory", name, "unregister", "shared_memory", name,
            "unregister", "shared_memory", name, "drop", "shared_memory", name, "tracker", "gate")
        let tracker = try #require(try program.nextProcesses().first)
        let process = program.process
        try program.openGate()
        #expect(try tracker.ends())
        let outcome = try program.waitForOutcome()
        #expect(outcome.status == .exited(0))
        let unknown = "resource tracker: process \(process) named a shared_memory"
        #expect(
            outcome.errors.split(separator: "\n") == [
                "resource tracker: process \(process) has registered shared_memory \(name) again",
                "\(unknown) to be forgotten that is not registered: \(name)",
                "\(unknown) of which a reference was to be dropped that is not registered: \(name)",
            ])
    }

    @Test("a storm of warnings is cut short")
    func storm() throws {
        let words = (0..<40).flatMap { ["unregister", "file", "/nonexistent/\($0)"] }
        var program = try RunningProgram(helper, ["client"] + words + ["tracker", "gate"])
        let tracker = try #require(try program.nextProcesses().first)
        try program.openGate()
        #expect(try tracker.ends())
        let errors = try program.waitForOutcome().errors
        #expect(errors.split(separator: "\n").count == 11)
        #expect(errors.contains("further ones like the last are not shown"))
    }

    @Test("a name cannot make a line of its own on standard error")
    func lineEnds() throws {
        var program = try startClient("register", "file", "/nonexistent/a\nresource tracker: b", "tracker", "gate")
        let tracker = try #require(try program.nextProcesses().first)
        try program.openGate()
        #expect(try tracker.ends())
        #expect(try program.waitForOutcome().errors.split(separator: "\n").count == 1)
    }

    @Test("a standard error that nobody reads does not stop a tracker")
    func fullStandardError() throws {
        let names = try ResourceNames()
        let errors = try Pipe()
        try errors.writeEnd.descriptor.setBlocking(false)
        let block = [UInt8](repeating: 0x2e, count: 4096)
        while (try? errors.writeEnd.descriptor.writeAll(block)) != nil {}
        try errors.writeEnd.descriptor.setBlocking(true)
        let program = try RunningProgram(helper, ["hold", names.segment, names.semaphore]) { options in
            options.descriptors[2] = errors.writeEnd.descriptor
        }
        let tracker = try #require(try program.nextProcesses().first)
        try kill(program)
        #expect(try tracker.ends())
        #expect(!names.hasSegment && !names.hasSemaphore)
    }
}
