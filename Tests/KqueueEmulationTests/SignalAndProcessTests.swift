import KqueueEmulation
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("EVFILT_SIGNAL")
struct SignalFilterTests {
    // The mask that it takes is the whole process's.
    @Test(
        arguments: [
            ("signal-count", "data is how often the signal came since the last call, and EV_CLEAR is set by itself"),
            ("signal-ignored", "a signal that is ignored is recorded"),
            ("signal-handled", "it coexists with handlers, which other signals reach"),
            ("signal-thread", "a signal wakes a thread that waits"),
        ])
    func signals(command: String, statement: String) throws {
        #expect(try runHelper("KqueueHelper", [command]) == .success, "\(statement)")
    }

    @Test("a signal that there is not is invalid")
    func invalid() throws {
        let kqueue = try TestedKqueue()
        for number: UInt in [0, 65, .max] {
            #expect(throws: Errno.invalidArgument) { try kqueue.change(KernelEvent(number, .signal, .add)) }
        }
    }
}

@Suite("EVFILT_PROC")
struct ProcessFilterTests {
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    private func shell(_ command: String) throws -> ProcessID {
        try ProcessID.spawn("/bin/sh", SpawnOptions(arguments: ["sh", "-c", command]))
    }

    private func process(_ process: ProcessID, _ fflags: KernelEvent.FilterFlags) -> KernelEvent {
        KernelEvent(UInt(process.rawValue), .process, .add, fflags: fflags, udata: 3)
    }

    @Test("NOTE_EXIT: the end of a process is told, and it is left to be reaped")
    func exit() throws {
        let gate = try Pipe()
        var options = SpawnOptions(arguments: ["sh", "-c", "read x; exit 7"])
        options.descriptors = [0: gate.readEnd.descriptor]
        let child = try ProcessID.spawn("/bin/sh", options)
        try kqueue.change(process(child, .exit))
        #expect(try kqueue.look() == [])
        try gate.writeEnd.descriptor.writeAll("\n")
        let event = try #require(try kqueue.next().first)
        #expect(event.ident == UInt(child.rawValue) && event.filter == .process && event.udata == 3)
        #expect(event.flags == [.oneShot, .clear, .endOfFile])
        #expect(event.fflags == .exit)
        #expect(try kqueue.look() == [])
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try kqueue.change(KernelEvent(UInt(child.rawValue), .process, .delete))
        }
        #expect(try child.wait() == .exited(7))
    }

    @Test(
        "NOTE_EXITSTATUS (macOS): data is the status as wait(2) has it",
        arguments: [("exit 7", 7 << 8), ("kill -9 $$", 9), ("true", 0)])
    func status(command: String, status: Int) throws {
        let child = try shell(command)
        try kqueue.change(process(child, [.exit, .exitStatus]))
        let event = try #require(try kqueue.next().first)
        #expect(event.fflags == [.exit, .exitStatus])
        #expect(event.data == status)
        #expect(try child.wait() == ExitStatus(waitStatus: CInt(status)))
    }

    @Test("NOTE_EXITSTATUS (macOS): is for children only")
    func notChild() throws {
        #expect(throws: Errno.permissionDenied) { try kqueue.change(process(.parent, [.exit, .exitStatus])) }
        try kqueue.change(process(.parent, .exit))
        #expect(try kqueue.look() == [])
    }

    @Test("DESCRIPTION, 2nd paragraph: a process that has ended and was not reaped is told of at once")
    func zombie() throws {
        let child = try shell("exit 5")
        let first = try TestedKqueue()
        try first.change(process(child, .exit))
        _ = try first.next()
        try kqueue.change(process(child, [.exit, .exitStatus]))
        #expect(try kqueue.look().map(\.data) == [5 << 8])
        _ = try child.wait()
    }

    @Test("ERRORS, ESRCH: a process that does not exist cannot be added")
    func gone() throws {
        let child = try shell("true")
        _ = try child.wait()
        #expect(throws: Errno.noSuchProcess) { try kqueue.change(process(child, .exit)) }
        for ident in [0, UInt.max, UInt(CInt.max), 1 << 32] {
            #expect(throws: Errno.noSuchProcess) {
                try kqueue.change(KernelEvent(ident, .process, .add, fflags: .exit))
            }
        }
    }

    #if os(Linux)
        @Test("what pidfds do not tell of, forks and the like, is refused")
        func unsupported() throws {
            let (fork, exec, signal): (UInt32, UInt32, UInt32) = (0x4000_0000, 0x2000_0000, 0x0800_0000)
            for fflags in [0, fork, exec, signal, fork | KernelEvent.FilterFlags.exit.rawValue] {
                #expect(throws: Errno.invalidArgument) {
                    try kqueue.change(process(.current, KernelEvent.FilterFlags(rawValue: fflags)))
                }
            }
        }
    #endif
}
