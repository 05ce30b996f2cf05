import Synchronization
import Syscalls

/// Wakes a reactor from another thread: a descriptor that becomes readable, and the work that it announces.
final class Waker: Sendable {
    typealias Body = @Sendable (Reactor) -> Void

    /// A closure by itself would be stored in an array in a form that costs an allocation.
    struct Job: Sendable {
        var body: Body?
    }

    private struct State: ~Copyable {
        var jobs: [Job] = []
        /// Whether the bell has been rung, or is about to be, and nobody has answered since.
        var isRung = false
        var bell: Bell
    }

    // Jobs and the bell's state change together: a job can never lie there unannounced, whatever the order of the steps.
    private let state: Lock<State>
    /// The thread that runs the reactor, while one does; 0 is none. It hears of its own jobs without a bell.
    private let owner = Atomic<UInt>(0)
    private let ownerHasJobs = Atomic(false)

    init() throws(Errno) {
        state = Lock(State(bell: try Bell()))
    }

    /// What the reactor watches.
    var descriptor: FileDescriptor { state.withLock { $0.bell.readEnd } }
    var number: Int { Int(descriptor.rawValue) }

    /// What a signal's handler writes to.
    var writeEnd: FileDescriptor { state.withLock { $0.bell.writeEnd } }

    func schedule(_ body: @escaping Body) {
        let isOwn = owner.load(ordering: .relaxed) == currentThreadNumber
        let writeEnd: FileDescriptor? = state.withLock { state in
            state.jobs.append(Job(body: body))
            if isOwn || state.isRung { return nil }
            state.isRung = true
            return state.bell.writeEnd
        }
        if isOwn { ownerHasJobs.store(true, ordering: .relaxed) }
        if let writeEnd { Bell.ring(writeEnd) }
    }

    /// Makes the calling thread the one that asks for its own jobs, or nobody. Returns who it was.
    func setOwner(_ thread: UInt) -> UInt { owner.exchange(thread, ordering: .relaxed) }

    /// Whether the thread that runs the reactor has given itself work, which no bell announces. To be asked by that thread.
    var hasOwnJobs: Bool { ownerHasJobs.load(ordering: .relaxed) }

    /// Hands over the work announced so far, behind what is there.
    ///
    /// - Parameter emptying: Whether the bell has to be silenced, or would be heard again and again.
    func takeJobs(into jobs: inout [Job], emptying: Bool) {
        ownerHasJobs.store(false, ordering: .relaxed)
        state.withLock { state in
            // The bell may have been rung, and is heard later: then there is nothing to take.
            if emptying { state.bell.silence() }
            state.isRung = false
            if jobs.isEmpty {
                // Two pieces of memory that take turns.
                swap(&jobs, &state.jobs)
            } else {
                jobs += state.jobs
                state.jobs = []
            }
        }
    }

    /// Gets a bell of its own in a forked process.
    func recreate(keepingJobs: Bool) throws(Errno) {
        try state.withLock { state throws(Errno) in
            state.bell = try Bell()
            // They were announced by the parent's.
            if !keepingJobs { state.jobs = [] }
            state.isRung = !state.jobs.isEmpty
            if state.isRung { Bell.ring(state.bell.writeEnd) }
        }
    }
}

/// A descriptor that is readable once it was rung: an eventfd(2), or a pipe where there is none.
private struct Bell: ~Copyable {
    #if os(Linux)
        private let counter: EventCounter
        init() throws(Errno) { counter = try EventCounter() }
        var readEnd: FileDescriptor { counter.descriptor }
        var writeEnd: FileDescriptor { counter.descriptor }
    #else
        private let pipe: Pipe
        init() throws(Errno) {
            pipe = try Pipe()
            try pipe.readEnd.descriptor.setBlocking(false)
            try pipe.writeEnd.descriptor.setBlocking(false)
        }
        var readEnd: FileDescriptor { pipe.readEnd.descriptor }
        var writeEnd: FileDescriptor { pipe.writeEnd.descriptor }
    #endif

    static func ring(_ writeEnd: FileDescriptor) {
        // It cannot fail in a way that matters: a full one is readable.
        #if os(Linux)
            try? writeEnd.addToCounter(1)
        #else
            try? writeEnd.writeAll([1])
        #endif
    }

    func silence() {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { bytes in
            _ = try? readEnd.read(into: bytes)
        }
    }
}
