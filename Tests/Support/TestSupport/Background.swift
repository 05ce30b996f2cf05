import Syscalls

/// Work that a test has another thread do, joined when its result is asked for or this value goes.
///
/// A thread of its own, since it may block, and tests share few cooperative ones.
public struct Background<Result: Sendable>: ~Copyable {
    private let thread: Lock<Thread?>
    private let outcome: Outcome

    private final class Outcome: Sendable {
        let result = Lock<Swift.Result<Result, any Error>?>(nil)
    }

    public init(_ body: @escaping @Sendable () throws -> Result) throws {
        let outcome = Outcome()
        self.outcome = outcome
        thread = Lock(
            try Thread(name: "test") {
                let result = Swift.Result { try body() }
                outcome.result.withLock { $0 = result }
            })
    }

    /// Waits for the work to be done. To be called once.
    public func get() throws -> Result {
        join()
        return try outcome.result.withLock { $0 }!.get()
    }

    private func join() {
        if let thread = thread.withLock({ $0.take() }) { thread.join() }
    }

    deinit {
        join()
    }
}
