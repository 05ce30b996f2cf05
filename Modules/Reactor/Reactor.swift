import Syscalls

/// An event loop: handlers for descriptors that become ready, for times, for ended children, and for other threads' work.
///
/// It belongs to one thread, which makes it, uses it and runs it; only its `handle` may be used from others. Handlers
/// run on that thread, one at a time, and may add and remove anything, themselves included. Descriptors stay their
/// owners': remove one before you close it. The design is that of libevent, Twisted and Redis's `ae`.
public final class Reactor {
    private let backend: any ReactorBackend
    private let waker: Waker
    private var watched = WatchedDescriptors()
    private var timers = Timers()
    private var children: [ProcessID: ChildWatch] = [:]
    /// Jobs still to run, the next one last. A job that runs the reactor leaves those after it to the rounds within it.
    private var jobs: [Waker.Job] = []
    private var events: [ReadinessEvent] = []
    private var isStopping = false

    /// The name of the backend, such as `epoll`.
    public let backendName: String

    /// A reactor that watches nothing.
    ///
    /// - Parameter backend: `nil` is the best one that this platform has.
    public init(backend: (any ReactorBackend.Type)? = nil) throws(Errno) {
        let type = backend ?? ReactorBackends.all[0]
        self.backend = try type.init()
        backendName = type.name
        waker = try Waker()
        try watchWaker()
    }

    // MARK: Descriptors

    /// Calls a handler whenever a descriptor is readable, has hung up or is in error, until it is removed.
    ///
    /// The handler of a descriptor that has one is replaced.
    /// - Throws: `Errno` when the kernel refuses, such as `.badFileDescriptor`; nothing has changed then.
    public func addReader(_ descriptor: FileDescriptor, _ handler: @escaping (Readiness) -> Void) throws(Errno) {
        try watched.set(.readable, of: descriptor, to: handler, with: backend)
    }

    /// Calls a handler whenever a descriptor is writable, has hung up or is in error, until it is removed.
    public func addWriter(_ descriptor: FileDescriptor, _ handler: @escaping (Readiness) -> Void) throws(Errno) {
        try watched.set(.writable, of: descriptor, to: handler, with: backend)
    }

    /// Stops watching for reading. One that is not watched is no error.
    public func removeReader(_ descriptor: FileDescriptor) {
        watched.remove(.readable, of: descriptor, with: backend)
    }

    /// Stops watching for writing. One that is not watched is no error.
    public func removeWriter(_ descriptor: FileDescriptor) {
        watched.remove(.writable, of: descriptor, with: backend)
    }

    /// The descriptors with a reader, and with a writer.
    public var readers: [FileDescriptor] {
        watched.descriptors(with: .readable).filter { $0 != waker.descriptor }
    }
    public var writers: [FileDescriptor] { watched.descriptors(with: .writable) }

    // MARK: Time

    /// Calls a handler once, after a delay, or again and again.
    ///
    /// - Parameter interval: The time between calls of a repeating timer, which does not catch up after a delay.
    @discardableResult
    public func addTimer(
        after delay: Duration, repeating interval: Duration? = nil, _ handler: @escaping () -> Void
    ) -> TimerID {
        // Never earlier than now: timers that are added while others run shall not be due with them.
        timers.add(due: .after(max(delay, .zero)), interval: interval, handler)
    }

    /// Cancels a timer. One that has run is no error.
    public func cancelTimer(_ timer: TimerID) {
        timers.cancel(timer)
    }

    // MARK: Children

    /// Calls a handler once when a child of this process has ended, with how it did; the child is reaped.
    ///
    /// The handler of a child that has one is replaced.
    /// - Throws: `Errno.noSuchProcess` for a process that is gone, `.tooManyOpenFiles`.
    public func addChild(_ process: ProcessID, _ handler: @escaping (ExitStatus) -> Void) throws(Errno) {
        replaceWatch(of: process, by: try ChildWatch(of: process, in: self, forgetting(process, then: handler)))
    }

    #if os(Linux)
        /// The same with a descriptor of the child, which the reactor owns from now on. Linux only.
        public func addChild(
            _ process: ProcessID, _ descriptor: consuming ProcessDescriptor, _ handler: @escaping (ExitStatus) -> Void
        ) throws(Errno) {
            replaceWatch(of: process, by: try ChildWatch(of: descriptor, in: self, forgetting(process, then: handler)))
        }
    #endif

    /// Forgets a child, which somebody else will reap.
    public func removeChild(_ process: ProcessID) {
        children.removeValue(forKey: process)?.cancel(in: self)
    }

    private func forgetting(
        _ process: ProcessID, then handler: @escaping (ExitStatus) -> Void
    ) -> (ExitStatus) -> Void {
        { [unowned self] status in
            children[process] = nil
            handler(status)
        }
    }

    /// The one before gives its descriptor's number back: it must not be watched any more by then.
    private func replaceWatch(of process: ProcessID, by watch: ChildWatch) {
        children.updateValue(watch, forKey: process)?.cancel(in: self)
    }

    // MARK: Running

    /// What other threads use.
    public var handle: ReactorHandle { ReactorHandle(waker: waker) }

    /// Runs until `stop` is called.
    public func run() throws(Errno) {
        isStopping = false
        while !isStopping { try runOnce(timeout: nil) }
    }

    /// Waits for events once and handles them, and the timers that are due by then.
    ///
    /// - Parameter timeout: The longest wait; `nil` waits until something happens, zero only looks.
    public func runOnce(timeout: Duration? = nil) throws(Errno) {
        events.removeAll(keepingCapacity: true)
        try backend.wait(timeout: waitingTime(timeout), into: &events)
        var batch: [ReadinessEvent] = []
        // Handlers may run the reactor: they shall not meet this batch again.
        swap(&batch, &events)
        for event in batch {
            // Asked for one after the other: the first handler may remove the second.
            watched.handler(of: .readable, for: event)?(event.readiness)
            watched.handler(of: .writable, for: event)?(event.readiness)
        }
        swap(&batch, &events)
        runJobs()
        runDueTimers()
    }

    /// Has `run` return at the end of the round that is under way: what is ready already is still handled.
    public func stop() {
        isStopping = true
    }

    /// Makes a forked process's copy of the reactor its own. The parent's is not disturbed.
    ///
    /// - Parameter keepingHandlers: Whether what was watched is watched again; otherwise it starts empty.
    public func reinitialize(keepingHandlers: Bool) throws(Errno) {
        let wakerDescriptor = waker.descriptor
        try backend.recreate()
        watched.forget(wakerDescriptor)
        try waker.recreateAfterFork(keepingJobs: keepingHandlers)
        if keepingHandlers {
            try watched.registerAgain(with: backend)
        } else {
            // Let go of at the end: what handlers hold may use the reactor in its `deinit`.
            let former = (watched, timers)
            watched.forgetAll()
            timers.removeAll()
            children = [:]
            jobs = []
            withExtendedLifetime(former) {}
        }
        try watchWaker()
    }

    private func watchWaker() throws(Errno) {
        try addReader(waker.descriptor) { [unowned self] _ in
            jobs.insert(contentsOf: waker.takeJobs().reversed(), at: 0)
            runJobs()
        }
    }

    private func runJobs() {
        while let job = jobs.popLast() { job(self) }
    }

    private func waitingTime(_ timeout: Duration?) -> Duration? {
        if !jobs.isEmpty { return .zero }
        // A timeout that has passed already only looks.
        let timeout = timeout.map { max($0, .zero) }
        guard let due = timers.nextDue?.remaining else { return timeout }
        return timeout.map { min($0, due) } ?? due
    }

    private func runDueTimers() {
        guard timers.nextDue != nil else { return }
        // Timers that are added from here on wait for the next round.
        let now = Deadline.now
        while let handler = timers.takeDue(by: now) { handler() }
    }
}

/// What other threads may do with a reactor.
public struct ReactorHandle: Sendable {
    fileprivate let waker: Waker

    /// Runs a job on the reactor's thread, after those scheduled before. Safe from any thread.
    public func schedule(_ job: @escaping @Sendable (Reactor) -> Void) {
        waker.schedule(job)
    }

    /// Has the reactor's `run` return. Safe from any thread.
    public func stop() {
        waker.schedule { $0.stop() }
    }
}
