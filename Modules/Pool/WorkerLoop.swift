import BinaryCoding
import FDPassing
import Framing
import ProcessRoles
import Synchronization
import Syscalls

/// Reads, runs, answers.
///
/// While more is waiting, small answers are put into the page and sent together with a later one.
final class WorkerLoop: PoolLink {
    private let connection: Connection
    private let number: Int
    private let page: WorkerPage
    private let memory: MemoryLimit?
    private let link = SegmentLink()
    private let process = ProcessID.current
    /// The task that has reported progress last: its answer must not overtake that.
    private let reporting = Atomic<UInt64>(0)
    // Sound: only touched by the thread that serves. When another takes over, that one is started by the first.
    @exclusivity(unchecked) nonisolated(unsafe) private var state = State()

    private struct State {
        var taskCount = 0
        /// What has come and was not begun. The program can have taken it back since.
        var backlog: [IncomingTask?] = []
        var next = 0
        /// How many answers were not sent yet.
        var held = 0
        /// When the last message came, or the last task ended.
        var now = Deadline.now
        /// The last type looked up: most programs send many tasks of one type.
        var lastType: (name: [UInt8], kind: TaskKind) = ([], .unknown)
        /// The async task that runs.
        var running: AsyncTaskRun?
    }

    /// Of the async task that runs.
    private let softLimit = SoftLimit()

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
                if page.claim(task.header.task, in: task.header.slot, at: state.now) { return task }
            }
            // Those after them were taken back.
            if state.held > 0 {
                state.held = 0
                try send([], passing: [])
            }
            do throws(FramingError) {
                try takeIn(try connection.receive())
            } catch {
                if error.isDisconnection { return nil }
                throw error
            }
            state.now = .now
        }
    }

    private func takeFromBacklog() -> IncomingTask? {
        guard state.next < state.backlog.count else {
            state.backlog.removeAll(keepingCapacity: true)
            state.next = 0
            return nil
        }
        state.next += 1
        return state.backlog[state.next - 1].take()
    }

    private func takeIn(_ message: [UInt8]) throws(FramingError) {
        guard let records = Records(in: message) else { throw .malformedHeader(length: message.count) }
        for record in records {
            let header = record.header
            switch header.kind {
            case .returned: link.takeBack(record.numbers)
            case .forgotten: link.forget(record.numbers)
            case .cancel: state.running?.cancel(header.task)
            case .task:
                var count = header.descriptorCount
                if header.segmentCount > 0 { count += record.segments.count(where: \.hasDescriptor) }
                let batch = count == 0 ? DescriptorBatch() : try connection.receiveDescriptors(count)
                guard (0..<WorkerPage.slotCount).contains(header.slot), let value = IncomingValue(record, batch, link)
                else { throw .malformedHeader(length: message.count) }
                state.backlog.append(IncomingTask(header: header, kind: taskKind(record.typeName), value: value))
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
        let start = state.now
        state.taskCount += 1
        let limit = task.header.nanoseconds
        let context = WorkerContext(
            workerNumber: number, processID: process, taskID: task.header.task, taskNumber: state.taskCount,
            attempt: task.header.attempt, deadline: limit > 0 ? start + .nanoseconds(limit) : .never, link: self,
            softTimeLimit: limit, isTimed: task.header.flags.contains(.isTimed),
            firstElement: task.header.firstElement)
        var header = RecordHeader(.output, task: task.header.task)
        var value: EncodedValue
        do throws(TaskFailure) {
            value = try run(task, context)
        } catch {
            header.kind = .failure
            value = try TaskCoder.encode(error)
        }
        state.now = .now
        header.nanoseconds = Int64(clamping: state.now.monotonicNanoseconds &- start.monotonicNanoseconds)
        if let memory, memory.isExceeded { header.flags.insert(.isOverMemoryLimit) }
        try answer(&value, header)
    }

    private func run(_ task: IncomingTask, _ context: WorkerContext) throws(TaskFailure) -> EncodedValue {
        switch task.kind {
        case .synchronous(let type): return try type.runEncoded(task, context)
        case .async(let type):
            return try type.runEncoded(task, context, softLimit) { run in
                state.running = run
                run.wait(reading: connection) { takeInAvailable() }
                state.running = nil
            }
        case .unknown: throw .typeUnknown
        }
    }

    // MARK: Answering

    /// Answers a task, at once or together with later ones.
    private func answer(_ value: inout EncodedValue, _ header: RecordHeader) throws {
        if mayWait(header), value.isPlain, !link.hasNotices, page.answers.put(value.record(header)) {
            state.held += 1
        } else {
            // With it the program takes in what was held.
            state.held = 0
            try send(value, header)
        }
    }

    /// Whether there is enough to do before the program has to know of an answer: of many tasks the one in the midst is told of, so that
    /// more come in time, and the last.
    private func mayWait(_ header: RecordHeader) -> Bool {
        state.backlog.count - state.next > state.held && header.flags.isEmpty
            && reporting.load(ordering: .relaxed) != header.task
    }

    private func send(_ value: EncodedValue, _ header: RecordHeader) throws {
        var message: [UInt8] = []
        if link.hasNotices {
            let (returned, forgotten) = link.notices()
            if !returned.isEmpty { message.appendRecord(.returned, returned) }
            if !forgotten.isEmpty { message.appendRecord(.forgotten, forgotten) }
        }
        let descriptors = value.append(header, to: &message, link)
        try send(message, passing: descriptors)
    }

    private func send(_ message: [UInt8], passing descriptors: [FileDescriptor]) throws {
        do throws(FramingError) {
            try connection.send(message, passing: descriptors)
        } catch {
            // Nobody waits for it any more; the next read says so too.
            guard error.isDisconnection else { throw error }
        }
    }

    private func taskKind(_ name: ArraySlice<UInt8>) -> TaskKind {
        if state.lastType.name[...] == name { return state.lastType.kind }
        let type = String(validating: name, as: UTF8.self).flatMap { TypeName.type(named: $0) }
        let kind: TaskKind =
            if let type = type as? any PoolTask.Type {
                .synchronous(type)
            } else if let type = type as? any AsyncPoolTask.Type {
                .async(type)
            } else {
                .unknown
            }
        state.lastType = (Array(name), kind)
        return kind
    }

    // MARK: What tasks ask

    func isCancelled(_ task: UInt64) -> Bool { page.isCancelled(task) }

    func beginElement(_ place: Int, at time: Deadline?) { page.beginElement(place, at: time) }

    func atDeadline(_ deadline: Deadline, _ cancel: @escaping @Sendable () -> Void) {
        softLimit.set(deadline, cancel)
    }

    func report(_ progress: EncodedValue, of task: UInt64) {
        reporting.store(task, ordering: .relaxed)
        // If it cannot be sent, the result cannot be either, and that is where it is told.
        try? send(progress, RecordHeader(.progress, task: task))
    }
}
