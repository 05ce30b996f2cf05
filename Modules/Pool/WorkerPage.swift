import Synchronization
import Syscalls

/// The memory that a worker shares with its pool: what it runs, what it may take next, and what it has answered.
///
/// Each task that is sent to a worker has a *slot* with a claim word: the pool writes that the task is offered; then either the
/// worker makes it claimed or the pool makes it revoked, by compare-and-swap, so that exactly one of them has the task. After the
/// worker's death the words still say which task it had begun.
///
/// The worker can write whatever it likes there. The pool takes it for no more than a hint about tasks that this worker has.
final class WorkerPage: @unchecked Sendable {
    // Sound: the memory is only touched by atomic operations, and mapped for as long as this object lives.
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let mapping: MemoryMapping

    /// What the worker has answered and not sent.
    let answers: AnswerRing

    static let slotCount = 128
    private static let ringStart = 4096
    private static let size = ringStart + AnswerRing.capacity
    private static let firstSlot = 16
    /// The task that is to stop.
    private static let cancelWord = 0
    /// When the task that runs was begun, on CLOCK_MONOTONIC.
    private static let startWord = 1
    /// Not 0 once the worker waits for tasks.
    private static let readyWord = 2
    /// Which task of a chunk runs.
    private static let elementWord = 3
    // Each in a cache line of its own, since the two sides write them all the time.
    private static let writtenWord = 192
    private static let takenWord = 200

    private enum Claim: UInt64 {
        case offered = 1
        case claimed = 2
        case revoked = 3
    }

    /// Maps a page that `makeMemory` made, here or in the pool's process.
    init(_ memory: FileDescriptor) throws(Errno) {
        mapping = try MemoryMapping(memory, count: Self.size, writable: true)
        let start = mapping.withBytes { $0.baseAddress! }
        words = start.assumingMemoryBound(to: Atomic<UInt64>.self)
        answers = AnswerRing(
            written: words + Self.writtenWord, taken: words + Self.takenWord, bytes: start + Self.ringStart)
    }

    /// A page's memory, of which every word is 0. It cannot shrink, so whoever maps it never faults.
    static func makeMemory() throws(Errno) -> OwnedFileDescriptor {
        #if os(Linux)
            let memory = try SharedMemory(anonymous: "pool-worker", size: size)
        #else
            // Only this program's own children get it.
            let memory = try SharedMemory(growable: "pool", size: size)
        #endif
        return try memory.descriptor.duplicate()
    }

    // MARK: The pool's side

    func offer(_ task: UInt64, in slot: Int) {
        word(slot).pointee.store(Self.word(task, .offered), ordering: .releasing)
    }

    /// Takes a task back; whether the worker had not begun it.
    func revoke(_ task: UInt64, in slot: Int) -> Bool {
        exchange(Self.word(task, .offered), Self.word(task, .revoked), in: slot)
    }

    /// Whether the worker has begun the task. What it should not have written counts as that: the task is not ours any more.
    func hasClaimed(_ task: UInt64, in slot: Int) -> Bool {
        let word = word(slot).pointee.load(ordering: .acquiring)
        return word != Self.word(task, .offered) && word != Self.word(task, .revoked)
    }

    /// Tells the worker that a task's result is not wanted any more.
    func cancel(_ task: UInt64) {
        words[Self.cancelWord].store(task, ordering: .releasing)
    }

    /// Whether the worker has been up.
    var wasReady: Bool { words[Self.readyWord].load(ordering: .acquiring) != 0 }

    /// When the worker says that it has begun what it runs, in nanoseconds.
    var claimTime: UInt64 { words[Self.startWord].load(ordering: .relaxed) }

    /// Which of the tasks that came together the worker says that it has begun.
    var element: Int { Int(clamping: words[Self.elementWord].load(ordering: .acquiring)) }

    // MARK: The worker's side

    /// Waits for tasks from now on.
    func becomeReady() {
        words[Self.readyWord].store(1, ordering: .releasing)
    }

    /// Begins a task; whether it has not been taken back.
    func claim(_ task: UInt64, in slot: Int, at time: Deadline = .now) -> Bool {
        // First: as soon as it is claimed the pool may ask, of a worker that has died in between, how far it was.
        beginElement(0, at: time)
        return exchange(Self.word(task, .offered), Self.word(task, .claimed), in: slot)
    }

    /// Begins one of the tasks that came together.
    func beginElement(_ index: Int, at time: Deadline?) {
        words[Self.elementWord].store(UInt64(index), ordering: .relaxed)
        if let time { words[Self.startWord].store(time.monotonicNanoseconds, ordering: .relaxed) }
    }

    /// Whether a task is to stop.
    func isCancelled(_ task: UInt64) -> Bool {
        words[Self.cancelWord].load(ordering: .acquiring) == task
    }

    // MARK: Words

    private func word(_ slot: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        precondition((0..<Self.slotCount).contains(slot), "a worker has \(Self.slotCount) slots, and no slot \(slot)")
        return words + Self.firstSlot + slot
    }

    private func exchange(_ expected: UInt64, _ desired: UInt64, in slot: Int) -> Bool {
        word(slot).pointee.compareExchange(
            expected: expected, desired: desired, ordering: .acquiringAndReleasing
        ).exchanged
    }

    private static func word(_ task: UInt64, _ claim: Claim) -> UInt64 { task << 2 | claim.rawValue }
}
