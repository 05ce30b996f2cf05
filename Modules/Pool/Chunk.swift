/// Several tasks in one message.
struct Chunk<T: PoolTask>: PoolTask {
    let tasks: [T]

    func run(in context: WorkerContext) -> [ChunkOutcome<T.Output>] {
        tasks.map { task in
            do { return .output(try task.run(in: context)) } catch { return .failure(TaskFailure(error)) }
        }
    }
}

/// Several async tasks in one message, run one after the other.
struct AsyncChunk<T: AsyncPoolTask>: AsyncPoolTask {
    let tasks: [T]

    func run(in context: WorkerContext) async -> [ChunkOutcome<T.Output>] {
        var outcomes: [ChunkOutcome<T.Output>] = []
        for task in tasks {
            do { outcomes.append(.output(try await task.run(in: context))) } catch {
                outcomes.append(.failure(TaskFailure(error)))
            }
        }
        return outcomes
    }
}

/// How one task of a chunk has ended.
enum ChunkOutcome<Output: Codable & Sendable>: Codable, Sendable {
    case output(Output)
    case failure(TaskFailure)
}

/// How many tasks go into a message.
public enum ChunkSize: Hashable, Sendable {
    /// As many as take some milliseconds, which is measured while they run.
    case automatic
    /// So many, but for the last.
    case fixed(Int)
}

/// Finds out how many tasks are worth a message.
struct ChunkSizing {
    private let fixed: Int?
    private var measured = 1
    /// How long a chunk shall take: long against what a message costs, short against what a person waits.
    private static let aim = 4_000_000.0
    private static let most = 8192
    /// One quick chunk does not make all quick.
    private static let mostGrowth = 8

    init(_ size: ChunkSize) {
        if case .fixed(let count) = size {
            precondition(count > 0, "a chunk needs at least one task")
            fixed = count
        } else {
            fixed = nil
        }
    }

    /// - Parameter left: How many tasks are left at least.
    /// - Parameter workers: Who are all to have some of them.
    func next(left: Int, workers: Int) -> Int {
        if let fixed { return fixed }
        return left > 0 ? max(1, min(measured, left / (workers * 2))) : measured
    }

    /// A chunk of so many tasks took so long.
    mutating func note(_ count: Int, _ duration: Duration) {
        let time = max(100, Double(duration.wholeNanoseconds) / Double(max(1, count)))
        measured = max(1, min(Int(Self.aim / time), measured * Self.mostGrowth, Self.most))
    }
}
