import KqueueEmulation
import Reactor
import ReactorConformance
import Syscalls
import TestSupport

#if os(Linux)
    typealias TestedKqueue = EmulatedKqueue
#else
    typealias TestedKqueue = Kqueue
#endif

/// What tests of kqueues cannot do in the test runner, which has threads: fork, block signals, and be interrupted by them.
@main struct KqueueHelper {
    static func main() {
        // The kit's arguments are a backend and one of its checks.
        let backend = KqueueBackend<TestedKqueue>.self
        if CommandLine.arguments.dropFirst().first == backend.name { ConformanceCheck.main([backend]) }
        runSubcommand(forkCommands.merging(signalCommands) { $1 })
    }
}

extension KqueueKernel {
    /// Makes changes, and waits for what happens next.
    func next(_ changes: KernelEvent...) throws(Errno) -> [KernelEvent] {
        var events: [KernelEvent] = []
        try kevent(changes, into: &events, upTo: 16, timeout: Deadline.generous.remaining)
        return events
    }

    /// Makes changes, and gives what has happened by now.
    func look(_ changes: KernelEvent...) throws(Errno) -> [KernelEvent] {
        var events: [KernelEvent] = []
        try kevent(changes, into: &events, upTo: 16, timeout: .zero)
        return events
    }
}
