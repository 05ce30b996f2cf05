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

    /// - Throws: What `body` throws; or `CancellationError`, when the task is cancelled while it waits for its turn.
    func withPermit<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async throws {
        if state.withLock({ $0.take() }) { return }
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Swift.Result<Void, any Error>? = state.withLock { state in
                    if state.take() { return .success(()) }
                    // From here on the cancellation finds it in the line; before, it is seen here.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiting.append(Waiting(number: number, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let cancelled: Waiting? = state.withLock { state in
                state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
            }
            cancelled?.continuation.resume(throwing: CancellationError())
        }
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
