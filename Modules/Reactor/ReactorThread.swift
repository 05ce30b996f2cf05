import Synchronization
import Syscalls

/// A thread that runs a reactor, for programs that have other things to do.
///
/// It is also a task executor: async code that prefers it runs between the reactor's events, without a hop to another
/// thread. Safe to use from any thread. `stop` it when it is no longer wanted.
public final class ReactorThread: TaskExecutor, Sendable {
    private let handle: ReactorHandle
    private let thread: Lock<Thread?>
    private let waiters: Waiters

    /// The one that serves all who did not make one of their own; it lives as long as the process.
    public static let shared: ReactorThread = {
        do {
            return try ReactorThread(name: "reactor")
        } catch {
            fatalError("the shared reactor cannot start: \(error)")
        }
    }()

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: As `ps -L` shows it.
    ///   - backend: `nil` is the best one that this platform has.
    public init(name: String, backend: (any ReactorBackend.Type)? = nil) throws(Errno) {
        let started = Startup()
        let waiters = Waiters()
        let thread = try Thread(name: name) { runReactor(backend, started, waiters) }
        self.waiters = waiters
        do throws(Errno) {
            handle = try started.wait()
        } catch {
            thread.join()
            throw error
        }
        self.thread = Lock(thread)
    }

    /// Runs a job on the thread, after those scheduled before.
    public func schedule(_ job: @escaping @Sendable (Reactor) -> Void) {
        handle.schedule(job)
    }

    /// Ends the thread after the jobs scheduled so far. From another thread, waits until it has ended.
    ///
    /// Whoever waits for a descriptor gets a `CancellationError`. Tasks that prefer this executor have to be done before.
    public func stop() {
        guard let thread = thread.withLock({ $0.take() }) else { return }
        handle.stop()
        if thread.isCurrent { thread.detach() } else { thread.join() }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        handle.schedule { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Waits until a descriptor is readable, has hung up or is in error. Any number of tasks may wait for the same one.
    ///
    /// - Parameter deadline: When to give up.
    /// - Throws: `Errno.timedOut` at the deadline, or another `Errno` when the kernel refuses to watch it;
    ///   `CancellationError` when the task is cancelled, or the thread is stopped.
    public func waitUntilReadable(_ descriptor: FileDescriptor, until deadline: Deadline = .never) async throws {
        try await wait(
            for: descriptor, until: deadline,
            add: { (reactor, number, handler) throws(Errno) in try reactor.addReader(number, handler) },
            remove: { $0.removeReader($1) })
    }

    /// Waits until a descriptor is writable, has hung up or is in error. Any number of tasks may wait for the same one.
    ///
    /// - Parameter deadline: When to give up.
    /// - Throws: As ``waitUntilReadable(_:until:)``.
    public func waitUntilWritable(_ descriptor: FileDescriptor, until deadline: Deadline = .never) async throws {
        try await wait(
            for: descriptor, until: deadline,
            add: { (reactor, number, handler) throws(Errno) in try reactor.addWriter(number, handler) },
            remove: { $0.removeWriter($1) })
    }

    private func wait(
        for descriptor: FileDescriptor, until deadline: Deadline,
        add: @escaping @Sendable (Reactor, FileDescriptor, @escaping (Readiness) -> Void) throws(Errno) -> Void,
        remove: @escaping @Sendable (Reactor, FileDescriptor) -> Void
    ) async throws {
        // A duplicate: the reactor knows one handler a number, and this number is nobody else's while it waits.
        let duplicate = try descriptor.duplicate()
        let number = duplicate.descriptor
        let waiter = Waiter()
        guard waiters.insert(waiter) else { throw CancellationError() }
        defer { waiters.remove(waiter) }
        // Removed first, and then told: whoever is told closes the duplicate.
        let end = { @Sendable (reactor: Reactor, result: Result<Void, any Error>) in
            if waiter.isWaiting { remove(reactor, number) }
            waiter.finish(result)
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard waiter.begin(continuation) else { return }
                schedule { reactor in
                    // Cancelled before it began: nothing was added.
                    guard waiter.isWaiting else { return }
                    let timer = deadline.remaining.map { left in
                        reactor.addTimer(after: left) { [unowned reactor] in end(reactor, .failure(Errno.timedOut)) }
                    }
                    do throws(Errno) {
                        try add(reactor, number) { [unowned reactor] _ in
                            if let timer { reactor.cancelTimer(timer) }
                            end(reactor, .success(()))
                        }
                    } catch {
                        if let timer { reactor.cancelTimer(timer) }
                        waiter.finish(.failure(error))
                    }
                }
            }
        } onCancel: {
            schedule { end($0, .failure(CancellationError())) }
        }
    }
}

/// Those who wait for descriptors, to be told when the thread ends.
private final class Waiters: Sendable {
    private let state = Lock<(waiting: [ObjectIdentifier: Waiter], hasEnded: Bool)>(([:], false))

    /// Whether the thread still runs.
    func insert(_ waiter: Waiter) -> Bool {
        state.withLock { state in
            if !state.hasEnded { state.waiting[ObjectIdentifier(waiter)] = waiter }
            return !state.hasEnded
        }
    }

    func remove(_ waiter: Waiter) {
        state.withLock { $0.waiting[ObjectIdentifier(waiter)] = nil }
    }

    func end() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            return Array(state.waiting.values)
        }
        for waiter in waiting { waiter.finish(.failure(CancellationError())) }
    }
}

/// A continuation that is resumed once, by whoever comes first.
private final class Waiter: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<Void, any Error>)
        case finished(Result<Void, any Error>)
    }

    private let state = Lock(State.new)

    var isWaiting: Bool {
        state.withLock { if case .waiting = $0 { true } else { false } }
    }

    /// Whether the wait has begun; it has not when it was finished already.
    func begin(_ continuation: CheckedContinuation<Void, any Error>) -> Bool {
        let early: Result<Void, any Error>? = state.withLock { state in
            if case .finished(let result) = state { return result }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(with: early) }
        return early == nil
    }

    func finish(_ result: Result<Void, any Error>) {
        let continuation: CheckedContinuation<Void, any Error>? = state.withLock { state in
            defer { if case .finished = state {} else { state = .finished(result) } }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume(with: result)
    }
}

private func runReactor(_ backend: (any ReactorBackend.Type)?, _ started: Startup, _ waiters: Waiters) {
    defer { waiters.end() }
    do throws(Errno) {
        let reactor = try Reactor(backend: backend)
        started.finish(.success(reactor.handle))
        try reactor.run()
    } catch {
        started.finish(.failure(error))
    }
}

/// Hands the reactor's handle from the new thread to the one that started it.
private final class Startup: Sendable {
    private let result = Lock<Result<ReactorHandle, Errno>?>(nil)
    private let done = Latch()

    func finish(_ result: Result<ReactorHandle, Errno>) {
        self.result.withLock { if $0 == nil { $0 = result } }
        done.open()
    }

    func wait() throws(Errno) -> ReactorHandle {
        done.wait()
        // Set before the latch was opened.
        return try result.withLock { $0 }!.get()
    }
}
