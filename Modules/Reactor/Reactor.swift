import Syscalls

/// An event loop: handlers for descriptors that become ready, for times, for signals, for ended children, and for other
/// threads' work.
///
/// It belongs to one thread, which makes it, uses it and runs it; only its `handle` may be used from others. Handlers
/// run on that thread, one at a time, and may add and remove anything, themselves included. Descriptors stay their
/// owners': remove one before you close it. The design is that of libevent, Twisted and Redis's `ae`.
public final class Reactor {
    // Unchecked: these are touched in each round, for an instant each. No code of a user's runs meanwhile, and there is one
    // thread.
    let backend: any ReactorBackend
    let waker: Waker
    @exclusivity(unchecked) var watched = WatchedDescriptors()
    @exclusivity(unchecked) var timers = Timers()
    let signals = SignalWatch()
    var children: [ProcessID: ChildWatch] = [:]
    /// Jobs, in their order. One that runs the reactor leaves those after it to the rounds within it.
    @exclusivity(unchecked) private var jobs: [Waker.Job] = []
    /// The place of the next one to run.
    @exclusivity(unchecked) private var nextJob = 0
    @exclusivity(unchecked) private var events: [ReadinessEvent] = []
    @exclusivity(unchecked) private var isStopping = false
    private var runDepth = 0
    /// The backend reports what it was told to forget, or could not be told.
    @exclusivity(unchecked) private var hasStrays = false

    /// The name of the backend, such as `epoll`.
    public let backendName: String

    /// Told of handlers that are closures and have failed; a line on standard error unless it is changed.
    ///
    /// `EndOfStream` is no failure. Handlers that are objects are told themselves.
    public var reportFailure: (HandlerFailure) -> Void = { standardErrorLine("reactor: \($0)") }

    /// A reactor that watches nothing.
    ///
    /// - Parameter backend: `nil` is the best one that works here. So it is where the kernel, or a filter before it, does not
    ///   offer what the chosen one needs; `backendName` tells.
    public init(backend: (any ReactorBackend.Type)? = nil) throws(Errno) {
        self.backend = try ReactorBackends.make(backend)
        backendName = type(of: self.backend).name
        waker = try Waker()
        try watchWaker()
    }

    // MARK: Running

    /// What other threads use.
    public var handle: ReactorHandle { ReactorHandle(waker: waker) }

    /// Runs until `stop` is called. Every handler is told then, and watched again by the next run.
    ///
    /// A handler may run the reactor: a `stop` ends the innermost run.
    public func run() throws(Errno) {
        let outerIsStopping = isStopping
        isStopping = false
        runDepth += 1
        let outerOwner = waker.setOwner(currentThreadNumber)
        defer {
            isStopping = outerIsStopping
            runDepth -= 1
            _ = waker.setOwner(outerOwner)
        }
        while !isStopping { try runOnce(timeout: nil) }
        if runDepth == 1 { tellStop() }
    }

    /// Waits for events once and handles them, and the timers that are due by then.
    ///
    /// - Parameter timeout: The longest wait; `nil` waits until something happens, zero only looks.
    public func runOnce(timeout: Duration? = nil) throws(Errno) {
        let round = watched.beginRound()
        var batch: [ReadinessEvent] = []
        // Handlers may run the reactor: they shall not meet this batch again.
        swap(&batch, &events)
        batch.removeAll(keepingCapacity: true)
        try wait(timeout, into: &batch)
        // By its place: an iterator would hold the array, which costs two atomic instructions a round.
        var place = 0
        while place < batch.count {
            deliver(batch[place], in: round)
            place += 1
        }
        if !watched.alwaysReady.isEmpty { deliverAlwaysReady(in: round) }
        swap(&batch, &events)
        if hasStrays { try forgetStrays() }
        if waker.hasOwnJobs { waker.takeJobs(into: &jobs, emptying: false) }
        if !jobs.isEmpty { runJobs() }
        if !timers.isEmpty { runDueTimers() }
    }

    /// Has the innermost `run` return at the end of the round that is under way: what is ready already is still handled.
    ///
    /// Without a run under way it does nothing.
    public func stop() {
        isStopping = true
    }

    private func tellStop() {
        for number in watched.numbers {
            // What one is told may remove another.
            let slot = watched.slots[number]
            slot.reader?.reactorStopped()
            if let writer = slot.writer, slot.reader !== writer { writer.reactorStopped() }
        }
    }

    // MARK: Delivery

    private func deliver(_ event: ReadinessEvent, in round: UInt64) {
        guard let number = watched.number(for: event) else {
            if watched.isStray(event, in: round) { hasStrays = true }
            return
        }
        if event.readiness.contains(.invalid) { return closedWithoutRemoval(number) }
        let isForAll = !event.readiness.isDisjoint(with: [.hangUp, .error])
        let isOneShot = watched.slots[number].trigger == .oneShot
        if isForAll || event.readiness.contains(.readable), let reader = watched.slots[number].reader {
            if isOneShot { watched.takeOneShot(.readable, of: number) }
            do {
                try reader.readable(event.readiness)
            } catch {
                readerFailed(reader, number, error, event)
            }
            // Asked again: the reader may have removed the writer, or put another file under the number.
            guard watched.number(for: event) != nil else { return }
        }
        if isForAll || event.readiness.contains(.writable), let writer = watched.slots[number].writer {
            if isOneShot { watched.takeOneShot(.writable, of: number) }
            do {
                try writer.writable(event.readiness)
            } catch {
                writerFailed(writer, number, error, event)
            }
        }
        if isOneShot, watched.number(for: event) != nil { watched.rearm(number, with: backend) }
    }

    private func deliverAlwaysReady(in round: UInt64) {
        for number in watched.alwaysReady.sorted() where watched.alwaysReady.contains(number) {
            // There is no other edge to come.
            if watched.slots[number].trigger == .edge { watched.quieten(number) }
            deliver(watched.readinessEvent(ofAlwaysReady: number), in: round)
        }
    }

    private func readerFailed(_ reader: any ReadHandler, _ number: Int, _ error: any Error, _ event: ReadinessEvent) {
        // It may have removed or replaced itself before it threw. Of a one-shot only the backend's part is left.
        if watched.number(for: event) != nil, watched.slots[number].reader.map({ $0 === reader }) ?? true {
            removeReader(WatchedDescriptors.descriptor(number))
        }
        tell(reader, number, .readable, error)
    }

    private func writerFailed(_ writer: any WriteHandler, _ number: Int, _ error: any Error, _ event: ReadinessEvent) {
        if watched.number(for: event) != nil, watched.slots[number].writer.map({ $0 === writer }) ?? true {
            removeWriter(WatchedDescriptors.descriptor(number))
        }
        tell(writer, number, .writable, error)
    }

    private func tell(_ handler: any DescriptorHandler, _ number: Int, _ direction: Interest, _ error: any Error) {
        guard handler is ClosureHandler else { return handler.disconnected(from: direction, because: error) }
        if error is EndOfStream { return }
        reportFailure(
            HandlerFailure(descriptor: WatchedDescriptors.descriptor(number), direction: direction, reason: error))
    }

    private func closedWithoutRemoval(_ number: Int) {
        let slot = watched.slots[number]
        backend.deregister(WatchedDescriptors.descriptor(number))
        watched.forget(number)
        disconnect(slot, number, .badFileDescriptor)
    }

    private func tell(_ taken: [WatchedDescriptors.Taken]) {
        for (slot, number, error) in taken { disconnect(slot, number, error) }
    }

    private func disconnect(_ slot: WatchedDescriptors.Slot, _ number: Int, _ error: Errno) {
        if let reader = slot.reader { tell(reader, number, .readable, error) }
        if let writer = slot.writer { tell(writer, number, .writable, error) }
    }

    /// A descriptor was closed without being removed while its file stays open elsewhere: epoll(7) goes on reporting it, and
    /// has no name by which to be told to stop. So all of it is begun anew, as libev does.
    private func forgetStrays() throws(Errno) {
        hasStrays = false
        let closed = watched.takeClosed()
        defer { tell(closed) }
        try backend.recreate()
        tell(watched.registerAgain(with: backend))
    }

    // MARK: Fork

    /// Makes a forked process's copy of the reactor its own. The parent's is not disturbed.
    ///
    /// To be called before the child uses it in any other way.
    /// - Parameter keepingHandlers: Whether what was watched is watched again; otherwise it starts empty. Descriptors that
    ///   cannot be watched any more, because they were closed meanwhile, have their handlers told so.
    /// - Throws: `Errno` where the kernel has no descriptors left. It can be called again then.
    public func reinitialize(keepingHandlers: Bool) throws(Errno) {
        // First, since what is made here may get their numbers.
        let closed = keepingHandlers ? watched.takeClosed() : []
        defer { tell(closed) }
        try backend.recreate()
        watched.forget(waker.number)
        try waker.recreate(keepingJobs: keepingHandlers)
        if keepingHandlers {
            signals.watchAgain(with: waker)
            let refused = watched.registerAgain(with: backend)
            try watchWaker()
            tell(refused)
        } else {
            // Let go of at the end: what handlers hold may use the reactor in its `deinit`.
            let former = (watched, timers, children, signals.removeAll(), jobs)
            watched.forgetAll()
            timers.removeAll()
            children = [:]
            jobs = []
            nextJob = 0
            try watchWaker()
            withExtendedLifetime(former) {}
        }
    }

    // MARK: The reactor's own

    private func watchWaker() throws(Errno) {
        do throws(Errno) {
            // Nobody has to empty it then.
            try watchWaker(.edge)
        } catch .notSupported {
            try watchWaker(.level)
        }
    }

    private func watchWaker(_ trigger: Trigger) throws(Errno) {
        let handler = ClosureHandler { [unowned self] _ in
            waker.takeJobs(into: &jobs, emptying: trigger == .level)
            runJobs()
            signals.deliver()
        }
        try watched.set(.reader(handler), of: waker.descriptor, trigger: trigger, isOwn: true, with: backend)
    }

    private func runJobs() {
        while nextJob < jobs.count {
            // What it holds goes with it, and not with the last one.
            let body = jobs[nextJob].body.take()
            nextJob += 1
            body?(self)
        }
        jobs.removeAll(keepingCapacity: true)
        nextJob = 0
    }

    /// Signals do not end the wait: those that are watched for ring the waker.
    private func wait(_ timeout: Duration?, into batch: inout [ReadinessEvent]) throws(Errno) {
        let isToLook = timeout == .zero || !jobs.isEmpty || waker.hasOwnJobs || !watched.alwaysReady.isEmpty
        var deadline: Deadline?
        if !isToLook {
            if let timeout { deadline = .after(timeout) }
            if !timers.isEmpty, let due = timers.nextDue { deadline = min(due, deadline ?? due) }
        }
        while true {
            do throws(Errno) {
                return try backend.wait(timeout: isToLook ? .zero : deadline?.remaining, into: &batch)
            } catch {
                guard error == .interrupted else { throw error }
            }
        }
    }

    private func runDueTimers() {
        guard timers.nextDue != nil else { return }
        // Timers that are added from here on wait for the next round.
        let now = Deadline.now
        while let handler = timers.takeDue(by: now) { handler() }
    }
}
