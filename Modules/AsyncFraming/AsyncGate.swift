import Framing
import Reactor
import Syscalls

/// Lets one task through at a time, in the order in which they came.
final class AsyncGate: Sendable {
    private let state = Lock(State())

    private struct State {
        var isTaken = false
        var waiting: [Waiting] = []
        var lastNumber: UInt64 = 0

        /// Whether the gate was free, and is the caller's now.
        mutating func take() -> Bool {
            if isTaken { return false }
            isTaken = true
            return true
        }
    }

    private struct Waiting {
        let number: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// - Parameter reactor: The thread that watches the deadline.
    /// - Throws: What `body` throws; or, while it waits for its turn, `CancellationError` when the task is cancelled and
    ///   `FramingError.timedOut` at the deadline.
    func withPermit<Result>(
        until deadline: Deadline, on reactor: ReactorThread, _ body: () async throws -> Result
    ) async throws -> Result {
        try await enter(until: deadline, on: reactor)
        defer { leave() }
        return try await body()
    }

    private func enter(until deadline: Deadline, on reactor: ReactorThread) async throws {
        if state.withLock({ $0.take() }) { return }
        if deadline.hasPassed { throw FramingError.timedOut }
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let timer = deadline.remaining.map { left in
            ReactorTimer(on: reactor, after: left) { [self] in giveUp(number, FramingError.timedOut) }
        }
        defer { timer?.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Swift.Result<Void, any Error>? = state.withLock { state in
                    if state.take() { return .success(()) }
                    // From here on the cancellation finds it in the line; before, it is seen here.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if deadline.hasPassed { return .failure(FramingError.timedOut) }
                    state.waiting.append(Waiting(number: number, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            giveUp(number, CancellationError())
        }
    }

    private func giveUp(_ number: UInt64, _ error: any Error) {
        let waiting: Waiting? = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
        }
        waiting?.continuation.resume(throwing: error)
    }

    private func leave() {
        let next: Waiting? = state.withLock { state in
            if state.waiting.isEmpty {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.continuation.resume()
    }
}

/// A timer of a reactor on another thread.
private struct ReactorTimer: Sendable {
    private let reactor: ReactorThread
    private let id: TimerBox

    private final class TimerBox: Sendable {
        let id = Lock<TimerID?>(nil)
    }

    init(on reactor: ReactorThread, after delay: Duration, _ handler: @escaping @Sendable () -> Void) {
        let box = TimerBox()
        reactor.schedule { reactor in
            let id = reactor.addTimer(after: delay, handler)
            box.id.withLock { $0 = id }
        }
        self.reactor = reactor
        id = box
    }

    /// Jobs run in order: the timer was added by then.
    func cancel() {
        reactor.schedule { [id] reactor in
            if let timer = id.id.withLock({ $0 }) { reactor.cancelTimer(timer) }
        }
    }
}
