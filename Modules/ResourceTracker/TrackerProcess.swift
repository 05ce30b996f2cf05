import ProcessRoles
import Syscalls

/// The tracker's side: a process that outlives the program, and removes what the program left behind.
///
/// It serves until nobody is left who could send a command. It ignores the signals that end the others.
enum TrackerProcess {
    static let role = ProcessRole(name: "resource tracker") { run() }

    // Its descriptors.
    static let door = ProcessRole.firstDescriptor
    static let keeper = door + 1
    static let journal = (door + 2, door + 3)

    /// Exit codes, as CPython 3.13 has them: of several that apply the highest says most.
    enum ExitCode: CInt {
        case clean = 0
        case leaksRemoved = 1
        case removalFailed = 2
        case badLine = 3
    }

    private static func run() -> Never {
        // They were blocked across the exec, so that none was lost in between.
        for signal in [Signal.interrupt, .terminate, .hangUp, .brokenPipe] { try? signal.ignore() }
        let none: SignalSet = []
        none.setAsMask()
        // Its standard output may be a pipe whose reader waits for the end of the program; it says nothing there.
        try? FileDescriptor.standardInput.duplicate(onto: .standardOutput)
        closeDescriptors(from: journal.1 + 1, except: [])
        try? ResourceLimit.raiseOpenFiles()
        do throws(Errno) {
            let journal = try TrackerJournal(
                SharedMemory(owning: OwnedFileDescriptor(owning: journal.0)),
                SharedMemory(owning: OwnedFileDescriptor(owning: journal.1)))
            let tracker = TrackerServer(
                door: OwnedFileDescriptor(owning: door),
                keeper: OwnedFileDescriptor(owning: keeper), journal: journal)
            exitImmediately(try tracker.serve().rawValue)
        } catch {
            Complaints.say("it cannot go on: \(error)")
            exitImmediately(70)
        }
    }
}
