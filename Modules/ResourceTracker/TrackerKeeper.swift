import ProcessRoles
import Syscalls

/// Keeps a tracker going: starts its process, has what a further one would need, and starts that when it was killed.
///
/// One thread of the process that has started the tracker. It holds the tracker's end of the door, the journal, and the
/// pipe of every process that the tracker has taken in: so nobody's end of anything breaks with a tracker, and what is
/// written meanwhile waits in the pipes.
final class TrackerKeeper: Sendable {
    /// Who has to reap the tracker; a forked copy is somebody else.
    private let starter: ProcessID = .current
    private let settings: TrackerStart
    private let journal: (one: JournalFile, other: JournalFile)
    private let state: Lock<State>
    private let hasEnded = Latch()

    private final class JournalFile: Sendable {
        let memory: SharedMemory

        init() throws(Errno) {
            memory = try SharedMemory(growable: "tracker journal", size: TrackerJournal.initialSize)
        }
    }

    private struct State {
        /// The tracker's end, until there is none any more.
        var door: ForkGuardedDescriptor?
        var process: ProcessID?
        var status: ExitStatus?
        var onLeak: (@Sendable (LeakedResource) -> Void)?
    }

    /// A tracker that dies by itself before it is at work is replaced so often.
    private static let mostFailures = 3
    private static let longestPause = Duration.seconds(1)

    /// The tracker's process; `nil` while it is being replaced, and in the end.
    var processID: ProcessID? { state.withLock { $0.process } }

    /// Starts the tracker.
    ///
    /// - Parameter door: The tracker's end of it.
    init(
        _ settings: TrackerStart, door: consuming OwnedFileDescriptor, onLeak: (@Sendable (LeakedResource) -> Void)?
    ) throws(Errno) {
        self.settings = settings
        journal = (try JournalFile(), try JournalFile())
        let door = try ForkGuardedDescriptor(door)
        state = Lock(State(door: door, onLeak: onLeak))
        let socket = try start(door, StoredPipes())
        try Thread(name: "tracker keeper") { [self] in keepGoing(door, socket) }.detach()
    }

    func setLeakHandler(_ handler: (@Sendable (LeakedResource) -> Void)?) {
        state.withLock { $0.onLeak = handler }
    }

    /// Waits until the tracker has ended, and all leaks have been told. Returns how; `nil` in a process that has not
    /// started it.
    func waitForEnd() -> ExitStatus? {
        guard starter == .current else { return nil }
        hasEnded.wait()
        return state.withLock { $0.status }
    }

    // MARK: Its thread

    private func keepGoing(_ door: ForkGuardedDescriptor, _ firstSocket: ForkGuardedDescriptor) {
        let stored = StoredPipes()
        var socket = firstSocket
        var failures = 0
        var pause = Duration.zero
        while true {
            let wasAtWork = listen(to: socket, stored)
            let process = state.withLock { $0.process! }
            let status = (try? process.wait()) ?? .unknown
            // The number may be anybody's from now on.
            state.withLock { $0.process = nil }
            if case .exited(let code) = status, TrackerProcess.ExitCode(rawValue: code) != nil { return finish(status) }
            // Who kills it again and again means it no better than who does so once, but does not have to be given the pace.
            failures = wasAtWork || status == .signaled(Signal.kill.rawValue, coreDumped: false) ? 0 : failures + 1
            pause = wasAtWork ? .zero : min(max(.milliseconds(5), pause * 2), Self.longestPause)
            if failures == Self.mostFailures {
                standardErrorLine("resource tracker: ended again and again (\(status)); nothing is tracked any more")
                return finish(status)
            }
            standardErrorLine(
                "resource tracker: ended unexpectedly (\(status)); another one is started, and told all that is registered"
            )
            Deadline.after(pause).sleep()
            do throws(Errno) {
                socket = try start(door, stored)
            } catch {
                standardErrorLine("resource tracker: no other can be started, nothing is tracked any more: \(error)")
                return finish(status)
            }
        }
    }

    /// Takes in what a tracker says until its end. Returns whether it has ever been at work.
    private func listen(to socket: ForkGuardedDescriptor, _ stored: StoredPipes) -> Bool {
        guard let descriptor = socket.descriptor else { return false }
        let channel = KeeperChannel(socket: descriptor)
        var isAtWork = false
        while var message = channel.receive() {
            switch message.kind {
            case .ready: isAtWork = true
            case .store:
                if let pipe = message.descriptor.take() {
                    stored.add(message.owner, ProcessID(rawValue: message.process), pipe)
                }
            case .forget: stored.remove(message.owner)
            case .leak:
                if let leak = LeakedResource(decoding: message.bytes, owner: message.process) {
                    state.withLock { $0.onLeak }?(leak)
                }
            }
        }
        return isAtWork
    }

    private func finish(_ status: ExitStatus) {
        state.withLock { state in
            state.status = status
            // The last of the tracker's ends: from now on whoever writes is told that nobody reads.
            state.door = nil
        }
        hasEnded.open()
    }

    private func start(_ door: ForkGuardedDescriptor, _ stored: StoredPipes) throws(Errno) -> ForkGuardedDescriptor {
        guard let doorDescriptor = door.descriptor else { throw .badFileDescriptor }
        let pair = try SocketPair()
        let process = try TrackerProcess.role.start(
            executable: settings.executable,
            descriptors: [
                doorDescriptor, pair.second.descriptor, journal.one.memory.descriptor, journal.other.memory.descriptor,
            ],
            blockedSignals: [.interrupt, .terminate, .hangUp])
        state.withLock { $0.process = process }
        let socket = try ForkGuardedDescriptor(pair.first)
        let channel = KeeperChannel(socket: socket.descriptor!)
        // Should it not listen, it is dead, and the thread will find that.
        try? stored.visit { owner, process, pipe throws(Errno) in
            _ = try channel.send(
                .store, owner: owner, process: process.rawValue, passing: pipe, until: .after(.seconds(60)))
        }
        _ = try? channel.send(
            .ready, bytes: KeeperChannel.bytes(ofLimit: settings.cleanUpLimit), until: .after(.seconds(60)))
        return socket
    }
}

/// What the process that starts a tracker decides for it.
struct TrackerStart: Sendable {
    /// `nil` is the one that runs here.
    let executable: String?
    /// How long a clean-up may take that has a process of its own.
    let cleanUpLimit: Duration
}

/// The pipes of processes that a tracker has taken in, by the numbers that it has given them.
private final class StoredPipes {
    private var pipes: [UInt32: (process: ProcessID, number: CInt)] = [:]

    func add(_ owner: UInt32, _ process: ProcessID, _ pipe: consuming OwnedFileDescriptor) {
        remove(owner)
        pipes[owner] = (process, pipe.take())
    }

    func remove(_ owner: UInt32) {
        guard let (_, number) = pipes.removeValue(forKey: owner) else { return }
        OwnedFileDescriptor(owning: number).discard()
    }

    func visit(_ body: (UInt32, ProcessID, FileDescriptor) throws(Errno) -> Void) throws(Errno) {
        for (owner, (process, number)) in pipes {
            try body(owner, process, FileDescriptor(rawValue: number))
        }
    }

    deinit {
        for (_, number) in pipes.values { OwnedFileDescriptor(owning: number).discard() }
    }
}
