/// Several tasks in one message.
struct Chunk<T: PoolTask>: PoolTask {
    let tasks: TaskArray<T>

    func run(in context: WorkerContext) -> ChunkOutcomes<T.Output> {
        var outcomes = ChunkOutcomes<T.Output>()
        outcomes.outputs.reserveCapacity(tasks.elements.count)
        for task in tasks.elements {
            do { outcomes.outputs.append(try task.run(in: context)) } catch { outcomes.noteFailure(error) }
        }
        return outcomes
    }
}

/// Several async tasks in one message, run one after the other.
struct AsyncChunk<T: AsyncPoolTask>: AsyncPoolTask {
    let tasks: TaskArray<T>

    func run(in context: WorkerContext) async -> ChunkOutcomes<T.Output> {
        var outcomes = ChunkOutcomes<T.Output>()
        outcomes.outputs.reserveCapacity(tasks.elements.count)
        for task in tasks.elements {
            do { outcomes.outputs.append(try await task.run(in: context)) } catch { outcomes.noteFailure(error) }
        }
        return outcomes
    }
}

/// How the tasks of a chunk have ended. Apart, since an array of outputs is coded much faster than one of alternatives.
struct ChunkOutcomes<Output: Codable & Sendable>: Codable, Sendable {
    /// Of those that did not fail, in order.
    var outputs: [Output] = []
    /// Of those that did, with their places among all.
    var failures: [Failure] = []

    struct Failure: Codable, Sendable {
        let place: Int
        let failure: TaskFailure
    }

    mutating func noteFailure(_ error: any Error) {
        failures.append(Failure(place: outputs.count + failures.count, failure: TaskFailure(error)))
    }

    /// Outputs and failures in the order of the tasks; `nil` when there are not so many.
    func inOrder(_ count: Int, error: (TaskFailure) -> any Error) -> TaskOutcomes<Output>? {
        guard outputs.count + failures.count == count else { return nil }
        guard !failures.isEmpty else { return .outputs(outputs) }
        var results: [Result<Output, any Error>] = []
        var outputs = outputs[...]
        var failures = failures[...]
        while results.count < count {
            if let next = failures.first, next.place == results.count || outputs.isEmpty {
                results.append(.failure(error(next.failure)))
                failures.removeFirst()
            } else {
                results.append(.success(outputs.removeFirst()))
            }
        }
        return .mixed(results)
    }
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
