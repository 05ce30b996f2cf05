import ProcessRoles
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process that removes named resources (shared memory, semaphores, files …) whose owners died without doing so.
///
/// It is told of each resource before it is made and after it was removed. When the last process that has registered a
/// resource is gone, by whatever death, it removes it. As CPython's `multiprocessing.resource_tracker`, whose protocol it
/// speaks with others. Safe to use from any thread.
public final class ResourceTracker: Sendable {
    /// The tracker of this process and those forked for it. Its process starts with the first registration.
    public static let shared = ResourceTracker()

    private let settings: TrackerStart
    private let client = Lock(TrackerClient())
    private let leakHandler = Lock<(@Sendable (LeakedResource) -> Void)?>(nil)

    /// A tracker of one's own.
    ///
    /// Its process ends when this object is gone and nobody else shares it.
    /// - Parameters:
    ///   - executable: What is started as the tracker, for hosts that cannot call `bootstrap()`: an executable that does. `nil`
    ///     is the one that runs here.
    ///   - cleanUpLimit: How long the removal of a directory, or a custom kind's clean-up, may take until it is killed.
    public init(executable: String? = nil, cleanUpLimit: Duration = .seconds(60)) {
        settings = TrackerStart(executable: executable, cleanUpLimit: cleanUpLimit)
    }

    /// To be called first in `main` by programs that use this layer and none above it.
    ///
    /// Returns at once, except in a tracker's process, where it never does.
    public static func bootstrap() {
        ProcessRole.bootstrap(roles)
    }

    /// The roles that this layer brings.
    package static var roles: [ProcessRole] { [TrackerProcess.role] }

    // MARK: Commands

    /// Has a resource removed when every process that has registered it is gone.
    ///
    /// To be called before the resource is made: in between nothing may be lost. Each call is one reference, and belongs to
    /// this process. A process that registers a resource a second time is warned of on standard error.
    /// - Parameter name: Any bytes but zero, at most 4,096. A relative path is taken from the current directory.
    /// - Throws: `ResourceTrackerError.invalidName`; `.notBootstrapped` and `.system` when the tracker cannot be started.
    public func register(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.register, kind, name)
    }

    /// The same with a name that need not be UTF-8; one of a custom kind may hold zero bytes.
    public func register(_ name: [UInt8], _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.register, kind, name)
    }

    /// Forgets a resource, after it was removed, whoever else has registered it.
    ///
    /// One that is not registered is warned of on standard error.
    public func unregister(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.unregister, kind, name)
    }

    /// The same with a name that need not be UTF-8.
    public func unregister(_ name: [UInt8], _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.unregister, kind, name)
    }

    /// Drops one registration of a resource; with the last the tracker removes it.
    public func dropReference(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.dropReference, kind, name)
    }

    /// The same with a name that need not be UTF-8.
    public func dropReference(_ name: [UInt8], _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.dropReference, kind, name)
    }

    /// Has a process group killed when every process that has registered it is gone. See setpgid(2).
    ///
    /// - Parameter group: Its number, which is that of its leader. To be called while the leader lives or is a zombie: so the
    ///   number is not taken for that of another group later.
    /// - Returns: The name under which it is registered, for `unregister` and `dropReference`.
    @discardableResult
    public func register(processGroup group: ProcessID) throws(ResourceTrackerError) -> String {
        guard group.rawValue > 1 else { throw .invalidName("\(group)", reason: "it is no process group of one's own") }
        let name = ProcessGroupName(group).text
        try register(name, .processGroup)
        return name
    }

    // MARK: Tracked resources

    /// Creates a segment that does not outlive the processes that have registered it: for now this one.
    ///
    /// - Parameters:
    ///   - name: `/` and up to 254 further bytes without a `/`.
    ///   - size: Bytes.
    /// - Throws: `.system(.fileExists)` when there is one of that name. It is not touched, whosoever it is.
    public func createSharedMemory(_ name: String, size: Int) throws(ResourceTrackerError) -> SharedMemory {
        let isThere = (try? SharedMemory(opening: name, readOnly: true)) != nil
        return try creating(name, .sharedMemory, isThere: isThere) { () throws(Errno) in
            try SharedMemory(creating: name, size: size)
        }
    }

    /// Creates a semaphore that does not outlive the processes that have registered it: for now this one.
    ///
    /// - Throws: `.system(.fileExists)` when there is one of that name. It is not touched, whosoever it is.
    public func createSemaphore(_ name: String, value: UInt32) throws(ResourceTrackerError) -> NamedSemaphore {
        let isThere = (try? NamedSemaphore(opening: name)) != nil
        return try creating(name, .semaphore, isThere: isThere) { () throws(Errno) in
            try NamedSemaphore(creating: name, value: value)
        }
    }

    /// Removes a resource now, and forgets it. That it is gone already is no error.
    public func unlink(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        let bytes = try kind.resolved(Array(name.utf8))
        do {
            try kind.remove(bytes)
        } catch let error as Errno {
            throw .system(error)
        } catch {
            // A custom kind's.
            throw .removalFailed("\(error)")
        }
        try send(.unregister, kind, bytes)
    }

    private func creating<Resource: ~Copyable>(
        _ name: String, _ kind: ResourceKind, isThere: Bool, _ create: () throws(Errno) -> Resource
    ) throws(ResourceTrackerError) -> Resource {
        // Somebody else's, who need not use this tracker.
        if isThere { throw .system(.fileExists) }
        try register(name, kind)
        do throws(Errno) {
            return try create()
        } catch {
            // Only what was registered here: should another process have been quicker, the resource is its own.
            try send(.withdraw, kind, name)
            throw .system(error)
        }
    }

    // MARK: The tracker's process

    /// Starts the tracker's process if it does not run yet.
    public func start() throws(ResourceTrackerError) {
        let handler = leakHandler.withLock { $0 }
        try client.withLock { client throws(ResourceTrackerError) in
            try client.startIfNeeded(settings, onLeak: handler)
        }
    }

    /// The tracker's process, if this process has started it; `nil` for a moment after it was killed, until there is another.
    public var processID: ProcessID? { client.withLock { $0.keeper }?.processID }

    /// Has a function called for each resource that the tracker removes because its owners are gone.
    ///
    /// It is called on a thread of the tracker's, in the process that started the tracker, while that lives; nothing else
    /// of this tracker's happens there meanwhile. What is removed at the end of `close()` it has been told of when that
    /// returns.
    public func onLeak(_ handler: (@Sendable (LeakedResource) -> Void)?) {
        leakHandler.withLock { $0 = handler }
        client.withLock { $0.keeper }?.setLeakHandler(handler)
    }

    /// A descriptor through which another process can use this tracker; it is the caller's. Starts the tracker.
    ///
    /// Other implementations write lines to it; a process of this package gives it to `inherit`.
    public func commandDescriptor() throws(ResourceTrackerError) -> OwnedFileDescriptor {
        try start()
        return try client.withLock { client throws(ResourceTrackerError) in
            do throws(Errno) { return try client.duplicateDoor() } catch { throw .system(error) }
        }
    }

    /// Has this process use a tracker that it was given the `commandDescriptor()` of, and that another process answers for.
    public func inherit(_ commands: consuming OwnedFileDescriptor) {
        var commands: OwnedFileDescriptor? = commands
        client.withLock { $0.inherit(commands.take()!) }
    }

    /// Tells the tracker that this process is done with it, and waits until it has ended.
    ///
    /// What this process has registered counts as leaked then. For a tracker of one's own: it ends when every process that
    /// shares it is done.
    /// - Returns: How it ended: code 0 clean, 1 leaks were removed, 2 a removal failed, 3 it was sent something that is no
    ///   command. `nil` when it never ran, or is another process's.
    @discardableResult
    public func close() throws(ResourceTrackerError) -> ExitStatus? {
        let keeper: TrackerKeeper? = client.withLock { client in
            let keeper = client.keeper
            client = TrackerClient()
            return keeper
        }
        return keeper?.waitForEnd()
    }

    private func send(
        _ operation: TrackerRecord.Operation, _ kind: ResourceKind, _ name: String
    ) throws(ResourceTrackerError) {
        // Names that need no change are sent from where they lie.
        if !kind.isPath, !name.isEmpty, name.utf8.count <= 255 {
            var name = name
            let isSent = try name.withUTF8Bytes { bytes throws(ResourceTrackerError) in
                // As `resolved` has it.
                if kind.builtin != .custom, memchr(bytes.baseAddress!, 0, bytes.count) != nil { return false }
                try send(operation, kind, raw: bytes)
                return true
            }
            if isSent { return }
        }
        try send(operation, kind, Array(name.utf8))
    }

    private func send(
        _ operation: TrackerRecord.Operation, _ kind: ResourceKind, _ name: [UInt8]
    ) throws(ResourceTrackerError) {
        let name = try kind.resolved(name)
        try name.withUnsafeBufferPointer { bytes throws(ResourceTrackerError) in
            try send(operation, kind, raw: UnsafeRawBufferPointer(bytes))
        }
    }

    private func send(
        _ operation: TrackerRecord.Operation, _ kind: ResourceKind, raw name: UnsafeRawBufferPointer
    ) throws(ResourceTrackerError) {
        try client.withLock { client throws(ResourceTrackerError) in
            if client.door == nil {
                try client.startIfNeeded(settings, onLeak: leakHandler.withLock { $0 })
            }
            do throws(Errno) { try client.send(operation, kind, name) } catch { throw .system(error) }
        }
    }
}

extension String {
    /// `withUTF8` with typed errors.
    fileprivate mutating func withUTF8Bytes(
        _ body: (UnsafeRawBufferPointer) throws(ResourceTrackerError) -> Bool
    ) throws(ResourceTrackerError) -> Bool {
        var failure: ResourceTrackerError?
        let result = withUTF8 { bytes in
            do throws(ResourceTrackerError) { return try body(UnsafeRawBufferPointer(bytes)) } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        return result
    }
}
