import Synchronization
import Syscalls

/// Answers that a worker has not sent yet, in memory that its pool can read too.
///
/// A worker with more to do puts small answers here, and sends one message for many. They are not lost when it is killed, and the pool
/// can fetch them when the task that the worker went on with takes long.
///
/// The worker writes the bytes and then how many there have been so far; the pool reads them and then says how many it has taken. What
/// the worker writes is not believed: the pool copies what seems to be there, and looks at it then.
struct AnswerRing {
    /// Bytes. A power of two.
    static let capacity = 1 << 15
    /// Larger answers are sent.
    static let longestAnswer = 1 << 10

    /// How many bytes there have been so far; the worker's to write.
    private let written: UnsafeMutablePointer<Atomic<UInt64>>
    /// How many of them the pool has taken; the pool's to write.
    private let taken: UnsafeMutablePointer<Atomic<UInt64>>
    private let bytes: UnsafeMutableRawPointer

    init(
        written: UnsafeMutablePointer<Atomic<UInt64>>, taken: UnsafeMutablePointer<Atomic<UInt64>>,
        bytes: UnsafeMutableRawPointer
    ) {
        self.written = written
        self.taken = taken
        self.bytes = bytes
    }

    /// The worker's side: puts an answer behind the others; `false` when there is no room for it.
    func put(_ answer: [UInt8]) -> Bool {
        let end = written.pointee.load(ordering: .relaxed)
        let used = end &- taken.pointee.load(ordering: .acquiring)
        guard answer.count <= Self.longestAnswer, used <= UInt64(Self.capacity - answer.count) else { return false }
        let offset = Int(end % UInt64(Self.capacity))
        let untilWrap = min(answer.count, Self.capacity - offset)
        answer.withUnsafeBytes { answer in
            (bytes + offset).copyMemory(from: answer.baseAddress!, byteCount: untilWrap)
            bytes.copyMemory(from: answer.baseAddress! + untilWrap, byteCount: answer.count - untilWrap)
        }
        written.pointee.store(end &+ UInt64(answer.count), ordering: .releasing)
        return true
    }

    /// Whether `take` would find something.
    var isEmpty: Bool { written.pointee.load(ordering: .acquiring) == taken.pointee.load(ordering: .relaxed) }

    /// The pool's side: what has been put in since the last time; `nil` when that cannot be.
    func take() -> [UInt8]? {
        let start = taken.pointee.load(ordering: .relaxed)
        let count = written.pointee.load(ordering: .acquiring) &- start
        guard count > 0 else { return [] }
        guard count <= UInt64(Self.capacity) else { return nil }
        let offset = Int(start % UInt64(Self.capacity))
        let untilWrap = min(Int(count), Self.capacity - offset)
        let answers = [UInt8](unsafeUninitializedCapacity: Int(count)) { answers, initialized in
            let target = UnsafeMutableRawPointer(answers.baseAddress!)
            target.copyMemory(from: bytes + offset, byteCount: untilWrap)
            (target + untilWrap).copyMemory(from: bytes, byteCount: Int(count) - untilWrap)
            initialized = Int(count)
        }
        taken.pointee.store(start &+ count, ordering: .releasing)
        return answers
    }
}
