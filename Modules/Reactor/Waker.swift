import Synchronization
import Syscalls

/// Wakes a reactor from another thread: a descriptor that becomes readable, and the work that it announces.
final class Waker: Sendable {
    typealias Job = @Sendable (Reactor) -> Void

    private let jobs = Lock<[Job]>([])
    /// Whether the descriptor has been made readable and not been emptied since.
    private let isSignaled = Atomic<Bool>(false)
    private let channel: Lock<Channel>

    private struct Channel: ~Copyable {
        #if os(Linux)
            let counter: EventCounter
            init() throws(Errno) { counter = try EventCounter() }
            var readEnd: FileDescriptor { counter.owned.descriptor }
            var writeEnd: FileDescriptor { counter.owned.descriptor }
        #else
            let pipe: Pipe
            init() throws(Errno) {
                pipe = try Pipe()
                try pipe.readEnd.descriptor.setBlocking(false)
                try pipe.writeEnd.descriptor.setBlocking(false)
            }
            var readEnd: FileDescriptor { pipe.readEnd.descriptor }
            var writeEnd: FileDescriptor { pipe.writeEnd.descriptor }
        #endif
    }

    init() throws(Errno) {
        channel = Lock(try Channel())
    }

    /// What the reactor watches.
    var descriptor: FileDescriptor { channel.withLock { $0.readEnd } }

    func schedule(_ job: @escaping Job) {
        jobs.withLock { $0.append(job) }
        wake()
    }

    func wake() {
        guard !isSignaled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        channel.withLock { channel in
            // Eight bytes, as an eventfd wants them. It cannot fail in a way that matters: a full one is readable.
            var one: UInt64 = 1
            _ = withUnsafeBytes(of: &one) { try? channel.writeEnd.write($0) }
        }
    }

    /// Empties the descriptor and hands over the work announced so far.
    func takeJobs() -> [Job] {
        channel.withLock { channel in
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { bytes in
                _ = try? channel.readEnd.read(into: bytes)
            }
        }
        isSignaled.store(false, ordering: .sequentiallyConsistent)
        return jobs.withLock { jobs in
            let taken = jobs
            jobs = []
            return taken
        }
    }

    func recreateAfterFork(keepingJobs: Bool) throws(Errno) {
        try channel.withLock { channel throws(Errno) in channel = try Channel() }
        isSignaled.store(false, ordering: .sequentiallyConsistent)
        let isEmpty = jobs.withLock { jobs in
            if !keepingJobs { jobs = [] }
            return jobs.isEmpty
        }
        // They were announced through the parent's descriptor.
        if !isEmpty { wake() }
    }
}
