import BinaryCoding
import FDPassing
import ForkServer
import Framing
import ProcessRoles
import Syscalls

/// A worker's side of a pool: reads tasks, runs them one after the other, and answers each.
///
/// It ends when its program closes the socket, or dies.
struct PoolWorker: ChildProgram {
    func run(in child: ChildContext) throws {
        // An interrupt from the terminal reaches the whole group; the program decides what it means.
        try Signal.interrupt.ignore()
        setThreadName("pool worker")
        let loop = WorkerLoop(child.connection)
        guard let first = try loop.serveUntilAsync() else { return }

        // The first async task: from here on the main thread belongs to the main queue, which Swift's runtime expects there,
        // and this loop goes on on a thread of its own.
        try Thread(name: "pool worker") {
            do {
                try loop.serve(startingWith: first)
            } catch {
                standardErrorLine("pool worker: \(error)")
                child.exit(1)
            }
            child.exit(0)
        }.detach()
        drainMainQueue()
    }
}

@_silgen_name("swift_task_asyncMainDrainQueue")
private func drainMainQueue() -> Never

/// Reads, runs, answers.
private final class WorkerLoop: Sendable {
    private let connection: Connection
    private let state = Lock(State())

    private struct State {
        var taskCount = 0
        /// The last type looked up: most programs send many tasks of one type.
        var lastType: (name: String, type: Any.Type)?
    }

    init(_ connection: Connection) {
        self.connection = connection
    }

    /// Serves synchronous tasks; returns with the first one that is not, or `nil` at the end.
    func serveUntilAsync() throws -> TaskMessage? {
        while let message = try nextMessage() {
            if taskType(message.typeName) is any AsyncPoolTask.Type { return message }
            try serve(message)
        }
        return nil
    }

    func serve(startingWith first: TaskMessage) throws {
        try serve(first)
        while let message = try nextMessage() { try serve(message) }
    }

    private func nextMessage() throws -> TaskMessage? {
        do throws(FramingError) {
            guard let message = TaskMessage(parsing: try connection.receive()) else { throw .closed }
            return message
        } catch {
            if error.isDisconnection { return nil }
            throw error
        }
    }

    private func serve(_ message: TaskMessage) throws {
        let incoming = IncomingDescriptors(try connection.receiveDescriptors(message.descriptorCount))
        let outgoing = OutgoingDescriptors()
        let taskNumber = state.withLock { state in
            state.taskCount += 1
            return state.taskCount
        }
        var reply = run(
            message, incoming, outgoing, WorkerContext(processID: .current, taskNumber: taskNumber))
        let descriptors = outgoing.descriptors
        ReplyMessage.setDescriptorCount(descriptors.count, in: &reply)
        do throws(FramingError) {
            try connection.send(reply, passing: descriptors)
        } catch {
            // Nobody waits for it any more; the next read says so too.
            guard error.isDisconnection else { throw error }
        }
    }

    private func run(
        _ message: TaskMessage, _ incoming: IncomingDescriptors, _ outgoing: OutgoingDescriptors,
        _ context: WorkerContext
    ) -> [UInt8] {
        let decoder = BinaryDecoder(userInfo: [.incomingDescriptors: incoming])
        let outcome: Result<[UInt8], TaskFailure>
        switch taskType(message.typeName) {
        case let type as any PoolTask.Type:
            outcome = reply(to: message, outgoing) { try type.runEncoded(message.payload, decoder, context) }
        case let type as any AsyncPoolTask.Type:
            outcome = reply(to: message, outgoing) { try type.runEncoded(message.payload, decoder, context) }
        default:
            outcome = .failure(.typeUnknown)
        }
        switch outcome {
        case .success(let bytes): return bytes
        case .failure(let failure):
            outgoing.removeAll()
            var bytes = ReplyMessage.header(.failure)
            do {
                try BinaryEncoder().encode(failure, appendingTo: &bytes)
            } catch {
                preconditionFailure("two strings can always be encoded: \(error)")
            }
            return bytes
        }
    }

    private func reply(
        to message: TaskMessage, _ outgoing: OutgoingDescriptors, _ run: () throws -> any Encodable & Sendable
    ) -> Result<[UInt8], TaskFailure> {
        let output: any Encodable & Sendable
        do {
            output = try run()
        } catch let error as UndecodableTask {
            return .failure(.coding("\(error.reason)"))
        } catch {
            return .failure(.threw(type: String(reflecting: type(of: error)), description: "\(error)"))
        }
        var bytes = ReplyMessage.header(.output)
        do {
            try BinaryEncoder(userInfo: [.outgoingDescriptors: outgoing]).encode(output, appendingTo: &bytes)
        } catch {
            return .failure(.coding("\(error)"))
        }
        guard outgoing.descriptors.count <= TaskMessage.mostDescriptors else {
            return .failure(.coding("the result has more than \(TaskMessage.mostDescriptors) descriptors"))
        }
        return .success(bytes)
    }

    private func taskType(_ name: String) -> Any.Type? {
        if let known = state.withLock({ $0.lastType?.name == name ? $0.lastType?.type : nil }) { return known }
        guard let type = TypeName.type(named: name) else { return nil }
        state.withLock { $0.lastType = (name, type) }
        return type
    }
}

/// The task's bytes, not the task itself, were at fault.
private struct UndecodableTask: Error {
    let reason: any Error
}

extension PoolTask {
    fileprivate static func runEncoded(
        _ payload: ArraySlice<UInt8>, _ decoder: BinaryDecoder, _ context: WorkerContext
    ) throws -> any Encodable & Sendable {
        try decodeTask(Self.self, payload, decoder).run(in: context)
    }
}

extension AsyncPoolTask {
    /// Blocks the calling thread, which is the worker's own and no cooperative one, until the task is done.
    fileprivate static func runEncoded(
        _ payload: ArraySlice<UInt8>, _ decoder: BinaryDecoder, _ context: WorkerContext
    ) throws -> any Encodable & Sendable {
        let task = try decodeTask(Self.self, payload, decoder)
        return try AsyncOutcome<Output>().wait(for: task, context)
    }
}

private func decodeTask<T: Decodable>(
    _ type: T.Type, _ payload: ArraySlice<UInt8>, _ decoder: BinaryDecoder
) throws -> T {
    do { return try decoder.decode(type, from: payload) } catch { throw UndecodableTask(reason: error) }
}

/// Where an async task leaves its result for the thread that waits for it.
private final class AsyncOutcome<Output: Codable & Sendable>: Sendable {
    private let result = Lock<Result<Output, any Error>?>(nil)
    private let latch = Latch()

    func wait<T: AsyncPoolTask>(for task: T, _ context: WorkerContext) throws -> Output where T.Output == Output {
        // Detached: it must not inherit the main actor from a bootstrap in an async main.
        Task.detached { [self] in
            let outcome: Result<Output, any Error>
            do { outcome = .success(try await task.run(in: context)) } catch { outcome = .failure(error) }
            result.withLock { $0 = outcome }
            latch.open()
        }
        latch.wait()
        // Set before the latch was opened.
        return try result.withLock { $0 }!.get()
    }
}
