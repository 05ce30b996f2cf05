import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Synchronization
import Syscalls

/// Reads, runs, answers.
final class WorkerLoop: PoolLink {
    private let connection: Connection
    private let number: Int
    private let page: WorkerPage
    private let memory: MemoryLimit?
    private let link = SegmentLink()
    private let process = ProcessID.current
    private let state = Lock(State())

    private struct State {
        var taskCount = 0
        /// What has come and was not begun. The program can have taken it back since.
        var backlog: [IncomingTask] = []
        var next = 0
        /// The last type looked up: most programs send many tasks of one type.
        var lastType: (name: [UInt8], kind: TaskKind) = ([], .unknown)
        /// The async task that runs.
        var running: AsyncTaskRun?
    }

    /// A task that has come.
    struct IncomingTask: Sendable {
        let header: RecordHeader
        let kind: TaskKind
        let value: IncomingValue
    }

    /// What a type's name stands for.
    enum TaskKind: Sendable {
        case synchronous(any PoolTask.Type)
        case async(any AsyncPoolTask.Type)
        case unknown
    }

    init(_ connection: Connection, number: Int, page: WorkerPage, memory: MemoryLimit?) {
        self.connection = connection
        self.number = number
        self.page = page
        self.memory = memory
        SegmentStore.shared.beginUse()
    }

    /// Serves synchronous tasks; returns with the first one that is not, which has been begun, or `nil` at the end.
    func serveUntilAsync() throws -> IncomingTask? {
        while let task = try nextTask() {
            if case .async = task.kind { return task }
            try serve(task)
        }
        return nil
    }

    func serve(startingWith first: IncomingTask) throws {
        try serve(first)
        while let task = try nextTask() { try serve(task) }
    }

    // MARK: Reading

    /// The next task that is this worker's, which it has begun with that; `nil` at the end.
    private func nextTask() throws -> IncomingTask? {
        while true {
            while let task = takeFromBacklog() {
                // One that was taken back goes to another worker.
                if page.claim(task.header.task, in: task.header.slot) { return task }
            }
            do throws(FramingError) {
                try takeIn(try connection.receive())
            } catch {
                if error.isDisconnection { return nil }
                throw error
            }
        }
    }

    private func takeFromBacklog() -> IncomingTask? {
        state.withLock { state in
            guard state.next < state.backlog.count else {
                state.backlog.removeAll(keepingCapacity: true)
                state.next = 0
                return nil
            }
            state.next += 1
            return state.backlog[state.next - 1]
        }
    }

    private func takeIn(_ message: [UInt8]) throws(FramingError) {
        guard let records = Record.all(in: message) else { throw .malformedHeader(length: message.count) }
        for record in records {
            let header = record.header
            switch header.kind {
            case .returned: link.takeBack(record.numbers)
            case .forgotten: link.forget(record.numbers)
            case .cancel: state.withLock { $0.running }?.cancel(header.task)
            case .task:
                var count = header.descriptorCount
                if header.segmentCount > 0 { count += record.segments.count(where: \.hasDescriptor) }
                let batch = count == 0 ? DescriptorBatch() : try connection.receiveDescriptors(count)
                guard (0..<WorkerPage.slotCount).contains(header.slot), let value = IncomingValue(record, batch, link)
                else { throw .malformedHeader(length: message.count) }
                let task = IncomingTask(header: header, kind: taskKind(record.typeName), value: value)
                state.withLock { $0.backlog.append(task) }
            case .output, .failure, .progress: throw .malformedHeader(length: message.count)
            }
        }
    }

    /// Takes in what has come, while an async task runs. Returns whether more may come.
    private func takeInAvailable() -> Bool {
        do throws(FramingError) {
            try connection.receiveAvailable { message throws(FramingError) in try takeIn(message) }
            return true
        } catch {
            return false
        }
    }

    // MARK: Running

    private func serve(_ task: IncomingTask) throws {
        let start = Deadline.now
        let taskNumber = state.withLock { state in
            state.taskCount += 1
            return state.taskCount
        }
        let limit = task.header.nanoseconds
        let context = WorkerContext(
            workerNumber: number, processID: process, taskID: task.header.task, taskNumber: taskNumber,
            attempt: task.header.attempt, deadline: limit > 0 ? start + .nanoseconds(limit) : .never, link: self)
        let result = run(task, context)
        var header = RecordHeader(.output, task: task.header.task)
        header.nanoseconds = (Deadline.now - start).wholeNanoseconds
        if let memory, memory.isExceeded { header.flags.insert(.isOverMemoryLimit) }
        switch result {
        case .success(let output):
            try send(output, header)
        case .failure(let failure):
            header.kind = .failure
            try send(TaskCoder.encode(failure), header)
        }
    }

    private func run(_ task: IncomingTask, _ context: WorkerContext) -> Result<EncodedValue, TaskFailure> {
        switch task.kind {
        case .synchronous(let type): type.runEncoded(task.value, context)
        case .async(let type):
            type.runEncoded(task.value, context) { run in
                state.withLock { $0.running = run }
                run.wait(reading: connection) { takeInAvailable() }
                state.withLock { $0.running = nil }
            }
        case .unknown: .failure(.typeUnknown)
        }
    }

    private func send(_ value: EncodedValue, _ header: RecordHeader) throws {
        var message: [UInt8] = []
        message.reserveCapacity(RecordHeader.size + value.bytes.count)
        if link.hasNotices {
            let (returned, forgotten) = link.notices()
            if !returned.isEmpty { message.appendRecord(.returned, returned) }
            if !forgotten.isEmpty { message.appendRecord(.forgotten, forgotten) }
        }
        let descriptors = value.append(header, to: &message, link)
        do throws(FramingError) {
            try connection.send(message, passing: descriptors)
        } catch {
            // Nobody waits for it any more; the next read says so too.
            guard error.isDisconnection else { throw error }
        }
    }

    private func taskKind(_ name: ArraySlice<UInt8>) -> TaskKind {
        let known: TaskKind? = state.withLock { $0.lastType.name.elementsEqual(name) ? $0.lastType.kind : nil }
        if let known { return known }
        let type = String(validating: name, as: UTF8.self).flatMap { TypeName.type(named: $0) }
        let kind: TaskKind =
            if let type = type as? any PoolTask.Type {
                .synchronous(type)
            } else if let type = type as? any AsyncPoolTask.Type {
                .async(type)
            } else {
                .unknown
            }
        state.withLock { $0.lastType = (Array(name), kind) }
        return kind
    }

    // MARK: What tasks ask

    func isCancelled(_ task: UInt64) -> Bool { page.isCancelled(task) }

    func report(_ progress: EncodedValue, of task: UInt64) {
        // If it cannot be sent, the result cannot be either, and that is where it is told.
        try? send(progress, RecordHeader(.progress, task: task))
    }
}

extension PoolTask {
    fileprivate static func runEncoded(
        _ value: IncomingValue, _ context: WorkerContext
    ) -> Result<EncodedValue, TaskFailure> {
        let task: Self
        do { task = try TaskCoder.decode(Self.self, from: value) } catch { return .failure(.coding("\(error)")) }
        let output: Output
        do { output = try task.run(in: context) } catch { return .failure(TaskFailure(error)) }
        return encoded(output)
    }
}

extension AsyncPoolTask {
    /// Has the task run, and blocks the calling thread, which is the worker's own and no cooperative one, until it is done.
    fileprivate static func runEncoded(
        _ value: IncomingValue, _ context: WorkerContext, wait: (AsyncTaskRun) -> Void
    ) -> Result<EncodedValue, TaskFailure> {
        let task: Self
        do { task = try TaskCoder.decode(Self.self, from: value) } catch { return .failure(.coding("\(error)")) }
        let box = AsyncOutcome()
        do {
            wait(
                try AsyncTaskRun(context) {
                    do { box.set(encoded(try await task.run(in: context))) } catch {
                        box.set(.failure(TaskFailure(error)))
                    }
                })
        } catch {
            return .failure(.coding("the task cannot be started: \(error)"))
        }
        return box.result
    }
}

/// Where an async task leaves its result for the thread that waits for it.
private final class AsyncOutcome: Sendable {
    private let outcome = Lock<Result<EncodedValue, TaskFailure>?>(nil)

    func set(_ result: Result<EncodedValue, TaskFailure>) { outcome.withLock { $0 = result } }

    /// Set before the run told that it has ended.
    var result: Result<EncodedValue, TaskFailure> { outcome.withLock { $0 }! }
}

private func encoded(_ output: some Encodable) -> Result<EncodedValue, TaskFailure> {
    do throws(PoolError) {
        return .success(try TaskCoder.encode(output))
    } catch {
        if case .coding(let reason) = error { return .failure(.coding(reason)) }
        return .failure(.coding("\(error)"))
    }
}
