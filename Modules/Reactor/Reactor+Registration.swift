import Syscalls

// What is added and removed one by one.

extension Reactor {
    // MARK: Descriptors

    /// Has a handler told whenever a descriptor is readable, has hung up or is in error, until it is removed.
    ///
    /// The handler of a descriptor that has one is replaced. A regular file is always readable.
    /// - Parameter trigger: When it is told of. Reader and writer of a descriptor share one.
    /// - Throws: `Errno` when the kernel refuses, such as `.badFileDescriptor`; nothing has changed then. `.notSupported` for a
    ///   trigger that the backend does not have, `.invalidArgument` for another one than the writer's.
    public func addReader(
        _ descriptor: FileDescriptor, trigger: Trigger = .level, _ handler: any ReadHandler
    ) throws(Errno) {
        try watched.set(.reader(handler), of: descriptor, trigger: trigger, with: backend)
    }

    /// Calls a closure whenever a descriptor is readable, has hung up or is in error, until it is removed or throws.
    ///
    /// What it throws is reported, unless it is `EndOfStream`, and ends its being watched.
    /// - Throws: As with a handler that is an object.
    public func addReader(
        _ descriptor: FileDescriptor, trigger: Trigger = .level, _ body: @escaping (Readiness) throws -> Void
    ) throws(Errno) {
        try addReader(descriptor, trigger: trigger, ClosureHandler(body))
    }

    /// Has a handler told whenever a descriptor is writable, has hung up or is in error, until it is removed.
    ///
    /// - Throws: As `addReader`.
    public func addWriter(
        _ descriptor: FileDescriptor, trigger: Trigger = .level, _ handler: any WriteHandler
    ) throws(Errno) {
        try watched.set(.writer(handler), of: descriptor, trigger: trigger, with: backend)
    }

    /// Calls a closure whenever a descriptor is writable, has hung up or is in error, until it is removed or throws.
    ///
    /// - Throws: As `addReader`.
    public func addWriter(
        _ descriptor: FileDescriptor, trigger: Trigger = .level, _ body: @escaping (Readiness) throws -> Void
    ) throws(Errno) {
        try addWriter(descriptor, trigger: trigger, ClosureHandler(body))
    }

    /// Stops watching for reading. One that is not watched is no error.
    public func removeReader(_ descriptor: FileDescriptor) {
        watched.remove(.readable, of: descriptor, with: backend)
    }

    /// Stops watching for writing. One that is not watched is no error.
    public func removeWriter(_ descriptor: FileDescriptor) {
        watched.remove(.writable, of: descriptor, with: backend)
    }

    /// Removes all readers and writers, and gives them back: they can be told, or added again.
    ///
    /// Timers, signals and children stay.
    @discardableResult
    public func removeAll() -> [WatchedDescriptor] {
        watched.numbers.map { number in
            let descriptor = WatchedDescriptors.descriptor(number)
            let slot = watched.remove(.directions, of: descriptor, with: backend)
            return WatchedDescriptor(
                descriptor: descriptor, trigger: slot.trigger, reader: slot.reader, writer: slot.writer)
        }
    }

    /// The descriptors with a reader, the lowest first.
    public var readers: [FileDescriptor] { watched.descriptors(with: .readable) }
    /// The descriptors with a writer, the lowest first.
    public var writers: [FileDescriptor] { watched.descriptors(with: .writable) }

    // MARK: Time

    /// Calls a handler once, after a delay, or again and again. On the monotonic clock.
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
}

/// What `removeAll` has removed.
public struct WatchedDescriptor {
    public let descriptor: FileDescriptor
    public let trigger: Trigger
    public let reader: (any ReadHandler)?
    public let writer: (any WriteHandler)?
}
