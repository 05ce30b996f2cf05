import Syscalls

/// A line on a terminal's standard error that says how far one is; nothing where that is no terminal.
struct Progress {
    private let isTerminal = FileDescriptor.standardError.isTerminal
    private var isVisible = false
    private var nextUpdate = Deadline.now

    /// Ten times a second at most.
    mutating func show(_ line: @autoclosure () -> String) {
        guard isTerminal, nextUpdate.hasPassed else { return }
        nextUpdate = .after(.milliseconds(100))
        isVisible = true
        // One that wraps would not be taken away again.
        write("\r\u{1B}[K\(line().prefix(79))")
    }

    /// Makes room for a line of output.
    mutating func clear() {
        guard isVisible else { return }
        isVisible = false
        // What takes its place may scroll it away: it is shown again at once.
        nextUpdate = .now
        write("\r\u{1B}[K")
    }

    private func write(_ text: String) {
        try? FileDescriptor.standardError.writeAll(text)
    }
}
