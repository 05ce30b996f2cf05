import Syscalls

/// What a worker says of a task.
struct WorkerAnswer: Sendable {
    let header: RecordHeader
    let value: IncomingValue
    let worker: ProcessID

    var task: UInt64 { header.task }
    var isProgress: Bool { header.kind == .progress }

    var reply: Reply {
        Reply(
            isOutput: header.kind == .output, value: value, worker: worker,
            duration: .nanoseconds(max(0, header.nanoseconds)))
    }
}
