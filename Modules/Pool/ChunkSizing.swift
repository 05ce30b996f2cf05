import Syscalls

/// How many tasks go into a message.
public enum ChunkSize: Hashable, Sendable {
    /// As many as take some milliseconds, which is measured while they run; one that has a time limit, since it may be killed.
    case automatic
    /// So many, but for the last.
    case fixed(Int)
}

/// Finds out how many tasks are worth a message.
struct ChunkSizing {
    private let fixed: Int?
    private var measured: Int
    /// Whether it is known by now how long tasks take.
    private(set) var isMeasured: Bool
    /// How long a chunk shall take: long against what a message costs, short against what a person waits.
    private static let aim = 4_000_000.0
    private static let most = 8192
    /// The smallest chunk takes a sixteenth of that.
    private static let smallestPart = 16
    /// One quick chunk does not make all quick.
    private static let mostGrowth = 8

    /// - Parameter known: What is known from before of how many are worth a message.
    init(_ size: ChunkSize, known: Int? = nil) {
        if case .fixed(let count) = size {
            precondition(count > 0, "a chunk needs at least one task")
            fixed = count
        } else {
            fixed = nil
        }
        measured = known ?? 1
        isMeasured = fixed != nil || known != nil
    }

    /// How many tasks are worth a message, as far as that was measured.
    var known: Int? { fixed == nil && isMeasured ? measured : nil }

    /// - Parameter left: How many tasks are left at least.
    /// - Parameter workers: Who are all to have some of them.
    func next(left: Int, workers: Int) -> Int {
        if let fixed { return fixed }
        // The fewer are left the fewer at once, so that all workers end together; but not so few that a message costs more than they do.
        return left > 0 ? max(1, measured / Self.smallestPart, min(measured, left / (workers * 2))) : measured
    }

    /// A chunk of so many tasks took so long.
    mutating func note(_ count: Int, _ duration: Duration) {
        guard fixed == nil else { return }
        let time = max(100, Double(duration.wholeNanoseconds) / Double(max(1, count)))
        measured = max(1, min(Int(Self.aim / time), measured * Self.mostGrowth, Self.most))
        isMeasured = true
    }
}
