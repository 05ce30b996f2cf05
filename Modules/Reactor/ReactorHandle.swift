/// What other threads may do with a reactor.
public struct ReactorHandle: Sendable {
    let waker: Waker

    /// Runs a job on the reactor's thread, after those scheduled before. Safe from any thread.
    public func schedule(_ job: @escaping @Sendable (Reactor) -> Void) {
        waker.schedule(job)
    }

    /// Has the reactor's `run` return. Safe from any thread.
    public func stop() {
        waker.schedule { $0.stop() }
    }
}
