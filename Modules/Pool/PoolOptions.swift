import ForkServer
import Syscalls

extension Pool {
    /// How a pool and its workers behave.
    public struct Options: Sendable {
        /// How many tasks may wait for a worker.
        public var queueLimit = 1 << 20
        /// What becomes of those who submit when so many wait.
        public var whenFull = FullQueuePolicy.wait
        /// The limits and the priority of tasks that are submitted without options of their own.
        public var taskOptions = TaskOptions()
        /// How many tasks a worker runs before it is replaced; `nil` is any number.
        public var tasksPerWorker: Int?
        /// How much memory a worker may have of its own, in KiB, when it has done a task; one that has more is replaced. Linux only.
        public var memoryLimitKiB: Int?
        /// How many workers in a row may die before they have done anything, in what time, until the pool gives up.
        public var restartLimit = RestartLimit()
        /// What each worker does before its first task.
        public var initializer: (any WorkerInitializer)?
        /// What workers are called in `ps`, with their number behind it: 15 bytes are seen.
        public var name = "pool worker"
        /// Where workers run.
        public var affinity = Affinity.inherited
        /// How workers differ from the fork server otherwise. By default their standard error is shown, and its ends are kept for the
        /// errors that tell of their deaths.
        public var worker: ChildOptions = {
            var options = ChildOptions()
            options.standardError = .captured(bytes: 4096, isShown: true)
            return options
        }()
        /// Told of what happens in the pool, one event at a time, on a thread of the pool's: it must not block. `events()` is the same
        /// for async code.
        public var onEvent: (@Sendable (PoolEvent) -> Void)?

        /// A pool without limits of time and memory.
        public init() {}
    }

    /// What becomes of those who submit a task when the queue is full.
    public enum FullQueuePolicy: Sendable {
        /// They wait until there is room.
        case wait
        /// They get `PoolError.queueFull`.
        case refuse
    }

    /// On which processors workers run.
    public enum Affinity: Sendable {
        /// On those that the fork server may use.
        case inherited
        /// Each on one of those that this program may use, in turn. Linux only.
        case spread
    }

    /// When workers that die at once are no longer replaced.
    public struct RestartLimit: Hashable, Sendable {
        /// How many in a row.
        public var count: Int
        /// Within what time. After as long again the next task tries anew.
        public var window: Duration

        /// So many within that time.
        public init(_ count: Int = 10, within window: Duration = .seconds(30)) {
            precondition(count > 0, "a pool has to start its workers once")
            self.count = count
            self.window = window
        }
    }
}

/// How one task is to be run.
public struct TaskOptions: Sendable {
    /// Tasks that wait are taken by their priority, the highest first, and those of one priority in the order of their submission.
    public var priority = 0
    /// After this long the task can see that it should end; it goes on. See `WorkerContext.deadline`.
    public var softTimeLimit: Duration?
    /// After this long the task's worker is killed.
    public var timeLimit: Duration?
    /// How often the task may be run again when its worker dies: only for one that does no harm when it runs twice. A worker that is
    /// killed at the time limit counts.
    public var retries = 0
    /// How long a task that was cancelled while it runs may go on until its worker is killed; `nil` is as long as it likes.
    public var killAfterCancellation: Duration?

    /// An ordinary task.
    public init() {}

    /// Whether the pool need not watch over the task while it runs.
    var isUnlimited: Bool {
        softTimeLimit == nil && timeLimit == nil && retries == 0 && killAfterCancellation == nil
    }
}
