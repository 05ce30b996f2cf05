import Synchronization
import Syscalls

/// Ctrl-C, as something to ask for: who runs for long ends in order, with what there is.
///
/// A second Ctrl-C ends the program at once. The processes that were started notice the end of their channels.
enum Interruption {
    private static let isRequested = Atomic(false)

    static var hasCome: Bool { isRequested.load(ordering: .relaxed) }

    /// The exit code of a program that was ended so, as a shell would say it.
    static let exitCode: Int32 = 128 + Signal.interrupt.rawValue

    /// As if Ctrl-C had come.
    static func request() { isRequested.store(true, ordering: .relaxed) }

    static func watch() throws(Errno) {
        for signal in [Signal.interrupt, .terminate] { try signal.setHandler(noteInterruption) }
    }
}

private func noteInterruption(_ number: CInt) {
    Interruption.request()
    try? Signal(rawValue: number).restoreDefault()
}
