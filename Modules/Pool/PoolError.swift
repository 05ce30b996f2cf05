import ForkServer
import Framing
import Syscalls

/// What can go wrong with a task in a pool, other than what the task itself throws.
public enum PoolError: Error, Sendable {
    /// The worker that ran the task died.
    case workerDied(WorkerDeath)
    /// The task ran for longer than it may, and its worker was killed: the limit.
    case timeLimitExceeded(Duration)
    /// The task's type is private or local to a function, so that no worker can find it by name.
    case typeNotNameable(String)
    /// The worker's executable does not have the task's type.
    case typeUnknown(String)
    /// The task or its result could not be encoded or decoded: why.
    case coding(String)
    /// So many tasks wait already.
    case queueFull(limit: Int)
    /// No worker could be started.
    case cannotStartWorkers(ForkServerError)
    /// Workers died before they could do anything, so many of them in a row, the last one like this.
    case workersKeepDying(count: Int, last: WorkerDeath)
    /// The pool takes no more tasks, or was terminated before this one was done.
    case closed
    /// The connection to the worker failed.
    case connection(FramingError)
    /// A system call failed.
    case system(Errno)
}

/// How a worker died.
public struct WorkerDeath: Error, Hashable, Sendable {
    /// Its process.
    public let processID: ProcessID
    /// How that ended.
    public let status: ExitStatus
    /// The type of the task that it had begun; `nil` when it had none.
    public let task: String?
    /// How often that has been begun.
    public let attempts: Int
    /// The first and the last of what it wrote to standard error; empty when that is not captured.
    public let standardError: String
}

/// What a task threw whose error cannot travel: one that is not `Codable`, or of a private type.
public struct RemoteError: Error, Hashable, Sendable {
    /// The type of the error.
    public let type: String
    /// What the error says of itself.
    public let description: String
    /// The type of the task that threw it.
    public let task: String
    /// The worker in which that was.
    public let processID: ProcessID
}

/// One of the tasks of a `map` has failed.
public struct MapFailure: Error, Sendable {
    /// Its place among the tasks, from 0.
    public let index: Int
    /// What it failed with.
    public let error: any Error
}

extension PoolError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .workerDied(let death): "\(death)"
        case .timeLimitExceeded(let limit): "the task ran for longer than \(limit), and its worker was killed"
        case .typeNotNameable(let type):
            "\(type) cannot be found by name in a worker: make it internal or public, and not local to a function"
        case .typeUnknown(let type):
            "the workers' executable does not have the task \(type): put it into a library target that both link"
        case .coding(let reason): "the task or its result cannot be coded: \(reason)"
        case .queueFull(let limit): "\(limit) tasks are waiting already, which is this pool's limit"
        case .cannotStartWorkers(let error): "no worker can be started: \(error)"
        case .workersKeepDying(let count, let last):
            "\(count) workers in a row have died before they could do anything; the last: \(last)"
        case .closed: "the pool is closed"
        case .connection(let error): "the connection to a worker failed: \(error)"
        case .system(let error): "\(error)"
        }
    }
}

extension WorkerDeath: CustomStringConvertible {
    public var description: String {
        let work = task.map { " while it ran \($0)" } ?? ""
        let repetition = attempts > 1 ? " (attempt \(attempts))" : ""
        let output = standardError.isEmpty ? "" : ", after writing:\n\(standardError)"
        return "worker \(processID) \(status)\(work)\(repetition)\(output)"
    }
}

extension RemoteError: CustomStringConvertible {}

extension MapFailure: CustomStringConvertible {
    public var description: String { "task \(index): \(error)" }
}
