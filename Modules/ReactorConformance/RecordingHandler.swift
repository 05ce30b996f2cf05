import Reactor
import Syscalls

/// A handler that notes what it is told, and throws what it is asked to.
final class RecordingHandler: ReadHandler, WriteHandler {
    let end: End
    private(set) var told: [String] = []
    private(set) var reasons: [any Error] = []
    var onReadable: () throws -> Void = {}
    var onWritable: () throws -> Void = {}
    var onDisconnected: (Interest) -> Void = { _ in }
    var onStop: () -> Void = {}

    init(_ end: End) {
        self.end = end
    }

    func readable(_ readiness: Readiness) throws {
        told.append("readable")
        try onReadable()
    }

    func writable(_ readiness: Readiness) throws {
        told.append("writable")
        try onWritable()
    }

    func disconnected(from direction: Interest, because reason: any Error) {
        told.append(direction == .readable ? "not read any more" : "not written any more")
        reasons.append(reason)
        onDisconnected(direction)
    }

    func reactorStopped() {
        told.append("stopped")
        onStop()
    }

    /// What it was told since it was asked last.
    func takeTold() -> [String] {
        defer { told = [] }
        return told
    }
}

/// A reason of the check's own.
struct Reason: Error, Equatable {
    let number: Int
    init(_ number: Int = 0) { self.number = number }
}
