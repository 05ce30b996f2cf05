import BinaryCoding
import Syscalls

/// What a task can know of where it runs, and say to who submitted it.
public struct WorkerContext: Sendable {
    /// The worker's place in the pool, from 0. One that is replaced leaves its number to the next.
    public let workerNumber: Int
    /// The worker's process.
    public let processID: ProcessID
    /// The task's number in its pool.
    public let taskID: UInt64
    /// How many tasks this worker has begun, this one included.
    public let taskNumber: Int
    /// How often the task has been begun, this time included.
    public let attempt: Int
    /// When the task's soft time limit passes.
    public internal(set) var deadline: Deadline
    let link: (any PoolLink)?
    /// How long the task may run until its deadline, in nanoseconds; 0 is for ever.
    let softTimeLimit: Int64
    /// Whether the pool watches how long the task runs.
    let isTimed: Bool
    /// Of tasks that came together, the first that is to be run.
    let firstElement: Int

    /// The worker makes it; programs do so to test their tasks without a pool.
    public init(
        workerNumber: Int = 0, processID: ProcessID = .current, taskID: UInt64 = 0, taskNumber: Int = 1,
        attempt: Int = 1, deadline: Deadline = .never
    ) {
        self.init(
            workerNumber: workerNumber, processID: processID, taskID: taskID, taskNumber: taskNumber, attempt: attempt,
            deadline: deadline, link: nil)
    }

    init(
        workerNumber: Int, processID: ProcessID, taskID: UInt64, taskNumber: Int, attempt: Int, deadline: Deadline,
        link: (any PoolLink)?, softTimeLimit: Int64 = 0, isTimed: Bool = false, firstElement: Int = 0
    ) {
        self.workerNumber = workerNumber
        self.processID = processID
        self.taskID = taskID
        self.taskNumber = taskNumber
        self.attempt = attempt
        self.deadline = deadline
        self.link = link
        self.softTimeLimit = softTimeLimit
        self.isTimed = isTimed
        self.firstElement = firstElement
    }

    /// Whether the result is not wanted any more: the submitter has cancelled the task.
    public var isCancelled: Bool { link?.isCancelled(taskID) ?? false }

    /// Ends the task when it need not go on.
    ///
    /// - Throws: `CancellationError` when it was cancelled, `SoftTimeLimitExceeded` when its deadline has passed.
    public func check() throws {
        if isCancelled { throw CancellationError() }
        if deadline.hasPassed { throw SoftTimeLimitExceeded() }
    }

    /// Tells who submitted the task how far it has got; see `TaskHandle.progress(as:)`. Nobody need listen.
    ///
    /// - Throws: `PoolError.coding` when it cannot be encoded.
    public func report(_ progress: some Encodable & Sendable) throws(PoolError) {
        try link?.report(TaskCoder.encode(progress), of: taskID)
    }
}

/// A task has gone on past its soft time limit, and has noticed it.
public struct SoftTimeLimitExceeded: Error, Codable, Hashable, Sendable {
    public init() {}
}

/// What a task's context needs of its worker.
protocol PoolLink: Sendable {
    func isCancelled(_ task: UInt64) -> Bool
    func report(_ progress: EncodedValue, of task: UInt64)
    /// One of the tasks that came together begins.
    func beginElement(_ place: Int, at time: Deadline?)
    /// Calls, if it is an async one, when its deadline has passed; instead of what was to be called before.
    func atDeadline(_ deadline: Deadline, _ cancel: @escaping @Sendable () -> Void)
}
