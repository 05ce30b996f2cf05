import ProcessRoles
import Syscalls

/// A process that removes named resources (shared memory, semaphores) whose owners died without doing so.
///
/// It is told of each resource before it is made and after it was removed. When every process that shares the tracker is
/// gone, by whatever death, it removes what is still registered. This is CPython's `multiprocessing.resource_tracker`,
/// and speaks its protocol. Safe to use from any thread.
public final class ResourceTracker: Sendable {
    /// The tracker of this process and those forked for it. Its process starts with the first registration.
    public static let shared = ResourceTracker()

    private let executable: String?
    private let state = Lock(State())

    private struct State: ~Copyable {
        /// Where commands go; `nil` before the process was started.
        var commands: OwnedFileDescriptor?
        /// The tracker's process, if it is this process's child.
        var process: ProcessID?
        /// Whether the tracker was inherited, so that another process answers for it.
        var isInherited = false
        /// What this process has registered, to tell a tracker that had to be started again.
        var registered: [TrackerCommand: Int] = [:]

        func duplicateCommands() throws(Errno) -> OwnedFileDescriptor {
            switch commands {
            case .some(let commands): try commands.duplicate()
            case .none: throw .badFileDescriptor
            }
        }

        /// Sends to a tracker that was started; a line that fits a pipe's buffer is written whole or not at all.
        func write(_ line: [UInt8]) throws(Errno) {
            switch commands {
            case .some(let commands): try commands.descriptor.writeAll(line)
            case .none: throw .badFileDescriptor
            }
        }
    }

    /// A tracker of one's own.
    ///
    /// - Parameter executable: What is started as the tracker, for hosts that cannot call `bootstrap()`: an executable
    ///   that does. `nil` is the one that runs here.
    public init(executable: String? = nil) {
        self.executable = executable
    }

    deinit {
        // It ends when the last of those who share it is gone, and is reaped then, so that it leaves no zombie.
        let process: ProcessID? = state.withLock { state in
            state.commands = nil
            state.registered = [:]
            return state.process.take()
        }
        if let process { try? Thread(name: "tracker's end") { _ = try? process.wait() }.detach() }
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

    /// Has a resource removed when everybody who could do it is gone.
    ///
    /// To be called before the resource is made: in between nothing may be lost.
    public func register(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        if name.isEmpty { throw .invalidName(name) }
        let command = TrackerCommand.register(name: name, kind)
        try send(command) { $0.registered[command, default: 0] += 1 }
    }

    /// Forgets a resource, after it was removed.
    public func unregister(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.unregister(name: name, kind)) { $0.registered[.register(name: name, kind)] = nil }
    }

    /// Drops one registration of a resource; with the last the tracker removes it.
    public func dropReference(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        try send(.maybeUnlink(name: name, kind)) { state in
            let command = TrackerCommand.register(name: name, kind)
            if let count = state.registered[command] { state.registered[command] = count > 1 ? count - 1 : nil }
        }
    }

    // MARK: Tracked resources

    /// Creates a segment that does not outlive the processes that share this tracker.
    ///
    /// - Parameters:
    ///   - name: `/` and up to 254 further bytes without a `/`.
    ///   - size: Bytes.
    /// - Throws: `.system(.fileExists)` when there is one of that name.
    public func createSharedMemory(_ name: String, size: Int) throws(ResourceTrackerError) -> SharedMemory {
        let isThere = (try? SharedMemory(opening: name, readOnly: true)) != nil
        return try creating(name, .sharedMemory, isThere: isThere) { () throws(Errno) in
            try SharedMemory(creating: name, size: size)
        }
    }

    /// Creates a semaphore that does not outlive the processes that share this tracker.
    ///
    /// - Throws: `.system(.fileExists)` when there is one of that name.
    public func createSemaphore(_ name: String, value: UInt32) throws(ResourceTrackerError) -> NamedSemaphore {
        let isThere = (try? NamedSemaphore(opening: name)) != nil
        return try creating(name, .semaphore, isThere: isThere) { () throws(Errno) in
            try NamedSemaphore(creating: name, value: value)
        }
    }

    /// Removes a resource's name, and forgets it.
    public func unlink(_ name: String, _ kind: ResourceKind) throws(ResourceTrackerError) {
        do throws(Errno) { try kind.remove(name) } catch { throw .system(error) }
        try unregister(name, kind)
    }

    private func creating<Resource: ~Copyable>(
        _ name: String, _ kind: ResourceKind, isThere: Bool, _ create: () throws(Errno) -> Resource
    ) throws(ResourceTrackerError) -> Resource {
        // Somebody else's must not be registered here, nor forgotten.
        if isThere { throw .system(.fileExists) }
        try register(name, kind)
        do throws(Errno) {
            return try create()
        } catch {
            try unregister(name, kind)
            throw .system(error)
        }
    }

    // MARK: The tracker's process

    /// Starts the tracker's process if it does not run yet.
    public func start() throws(ResourceTrackerError) {
        try state.withLock { state throws(ResourceTrackerError) in try startIfNeeded(&state) }
    }

    /// The tracker's process, if it runs and is this process's child.
    public var processID: ProcessID? { state.withLock { $0.process } }

    /// A descriptor through which another process can use this tracker; it is the caller's. Starts the tracker.
    package func commandDescriptor() throws(ResourceTrackerError) -> OwnedFileDescriptor {
        try state.withLock { state throws(ResourceTrackerError) in
            try startIfNeeded(&state)
            do throws(Errno) { return try state.duplicateCommands() } catch { throw .system(error) }
        }
    }

    /// Has this process use a tracker that it was given, and for which another process answers.
    package func inherit(_ commands: consuming OwnedFileDescriptor) {
        var commands: OwnedFileDescriptor? = commands
        state.withLock { state in
            state.commands = commands.take()!
            state.process = nil
            state.isInherited = true
        }
    }

    /// Tells the tracker that this process is done with it, and waits until it has ended.
    ///
    /// For a tracker of one's own: it ends when every process that shares it has done so.
    /// - Returns: How it ended: code 0 clean, 1 leaks were removed, 2 a removal failed, 3 it was sent something that is no
    ///   command. `nil` when it never ran, or is another process's.
    @discardableResult
    public func close() throws(ResourceTrackerError) -> ExitStatus? {
        let process: ProcessID? = state.withLock { state in
            state.commands = nil
            return state.process.take()
        }
        do throws(Errno) { return try process?.wait() } catch { throw .system(error) }
    }

    private func startIfNeeded(_ state: inout State) throws(ResourceTrackerError) {
        guard state.commands == nil else { return }
        guard executable != nil || ProcessRole.isBootstrapped else { throw .notBootstrapped }
        do throws(Errno) {
            let pipe = try Pipe()
            state.process = try TrackerProcess.role.start(
                executable: executable, descriptors: [pipe.readEnd.descriptor],
                blockedSignals: [.interrupt, .terminate, .hangUp])
            let commands = pipe.writeEnd
            state.commands = consume commands
        } catch {
            throw .system(error)
        }
    }

    private func send(
        _ command: TrackerCommand, _ note: (inout State) -> Void
    ) throws(ResourceTrackerError) {
        let line = Array(command.line.utf8)
        guard line.count <= TrackerCommand.maximumLength, line.firstIndex(of: UInt8(ascii: "\n")) == line.count - 1
        else {
            throw .invalidName(command.line)
        }
        try state.withLock { state throws(ResourceTrackerError) in
            try startIfNeeded(&state)
            do throws(Errno) {
                try state.write(line)
            } catch {
                guard error == .brokenPipe, !state.isInherited else { throw .system(error) }
                try startAgain(&state)
                do throws(Errno) { try state.write(line) } catch { throw .system(error) }
            }
            note(&state)
        }
    }

    /// After the tracker was killed: starts another, and tells it what this process has registered.
    private func startAgain(_ state: inout State) throws(ResourceTrackerError) {
        let status = state.process.flatMap { try? $0.wait() } ?? .unknown
        standardErrorLine(
            "resource tracker: it \(status); a new one is started, which knows only what this process has registered")
        state.commands = nil
        state.process = nil
        try startIfNeeded(&state)
        for (command, count) in state.registered {
            for _ in 0..<count {
                do throws(Errno) {
                    try state.write(Array(command.line.utf8))
                } catch {
                    throw .system(error)
                }
            }
        }
    }
}

/// What can go wrong with a resource tracker.
public enum ResourceTrackerError: Error, Hashable, Sendable {
    /// `bootstrap()` was not called at the start of `main`, so this executable cannot be started as a tracker.
    case notBootstrapped
    /// A name that does not fit a line of the protocol: too long, or with a line end.
    case invalidName(String)
    /// A system call failed.
    case system(Errno)
}

extension ResourceTrackerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notBootstrapped:
            "call bootstrap() (of ResourceTracker, or of the highest layer used) as the first line of main, "
                + "or name an executable that does"
        case .invalidName(let line): "this does not fit a line of 512 bytes: \(line.debugDescription)"
        case .system(let error): "resource tracker: \(error)"
        }
    }
}
