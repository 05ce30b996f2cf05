import BinaryCoding
import FDPassing
import Syscalls

/// What came back from a worker for one task.
struct Reply: Sendable {
    let message: ReplyMessage
    let descriptors: IncomingDescriptors

    /// The task's result, or the error that it ended with.
    func output<Output: Decodable>(_ type: Output.Type, of task: Any.Type) throws(PoolError) -> Output {
        let decoder = BinaryDecoder(userInfo: [.incomingDescriptors: descriptors])
        do {
            if message.kind == .output { return try decoder.decode(type, from: message.payload) }
            let failure = try decoder.decode(TaskFailure.self, from: message.payload)
            throw failure.error(typeName: String(reflecting: task))
        } catch let error as PoolError {
            throw error
        } catch {
            throw .coding("\(error)")
        }
    }
}

/// A task on its way through the pool. It is completed once, by whoever comes first.
final class Submission: Sendable {
    typealias Completion = @Sendable (Result<Reply, any Error>) -> Void

    let task: EncodedTask
    private let state: Lock<State>

    private enum State {
        /// Nobody waits yet.
        case new
        case waiting(Completion)
        /// Completed, perhaps before anybody waited.
        case completed(Result<Reply, any Error>)
    }

    init(_ task: EncodedTask) {
        self.task = task
        state = Lock(.new)
    }

    convenience init(_ task: EncodedTask, _ completion: @escaping Completion) {
        self.init(task)
        whenComplete(completion)
    }

    /// Calls back when the task is complete, at once if it is.
    func whenComplete(_ completion: @escaping Completion) {
        let early: Result<Reply, any Error>? = state.withLock { state in
            if case .completed(let result) = state { return result }
            state = .waiting(completion)
            return nil
        }
        if let early { completion(early) }
    }

    var isComplete: Bool {
        state.withLock { if case .completed = $0 { true } else { false } }
    }

    func complete(_ result: Result<Reply, any Error>) {
        let completion: Completion? = state.withLock { state in
            switch state {
            case .new:
                state = .completed(result)
                return nil
            case .waiting(let completion):
                state = .completed(result)
                return completion
            case .completed:
                return nil
            }
        }
        completion?(result)
    }
}
