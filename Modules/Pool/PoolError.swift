import ForkServer
import Framing
import Syscalls

/// What can go wrong with a task in a pool.
public enum PoolError: Error, Sendable {
    /// The task threw: the type of its error, and what that says of itself.
    case taskFailed(type: String, description: String)
    /// The worker that ran the task, or was about to, died.
    case workerDied(ProcessID, ExitStatus)
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
    /// The pool takes no more tasks, or was terminated before this one was done.
    case closed
    /// The connection to the worker failed.
    case connection(FramingError)
    /// A system call failed.
    case system(Errno)
}

extension PoolError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .taskFailed(let type, let description): "the task failed with \(type): \(description)"
        case .workerDied(let process, let status): "worker \(process) \(status) while it had the task"
        case .typeNotNameable(let type):
            "\(type) cannot be found by name in a worker: make it internal or public, and not local to a function"
        case .typeUnknown(let type):
            "the workers' executable does not have the task \(type): put it into a library target that both link"
        case .coding(let reason): "the task or its result cannot be coded: \(reason)"
        case .queueFull(let limit): "\(limit) tasks are waiting already, which is this pool's limit"
        case .cannotStartWorkers(let error): "no worker can be started: \(error)"
        case .closed: "the pool is closed"
        case .connection(let error): "the connection to a worker failed: \(error)"
        case .system(let error): "\(error)"
        }
    }
}
