import CSyscalls
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A lock that threads wait for until a deadline: the third mutex of Drepper's “Futexes Are Tricky”. See futex(7).
///
/// What it guards is its owner's to say. It is taken and given back by calls of their own: unlike `Lock`, nothing stands
/// between a caller and his system calls, no closure and no generic call. It is a word in its owner, and not memory of its own:
/// a process that was just forked pays for each page that it writes to.
package struct DeadlineLock: ~Copyable, Sendable {
    private static let free: UInt32 = 0
    private static let taken: UInt32 = 1
    /// Taken, and who gives it back has to wake another.
    private static let contended: UInt32 = 2

    private let state = Atomic(Self.free)

    package init() {}

    /// Takes the lock. Whoever has it must not take it again.
    ///
    /// - Returns: `false` when another thread has it beyond the deadline.
    package borrowing func lock(until deadline: Deadline) -> Bool {
        state.compareExchange(expected: Self.free, desired: Self.taken, ordering: .acquiring).exchanged
            || wait(until: deadline)
    }

    @inline(never) private borrowing func wait(until deadline: Deadline) -> Bool {
        // Whether others wait, too, is not known: it stays contended.
        while state.exchange(Self.contended, ordering: .acquiring) != Self.free {
            if deadline.hasPassed { return false }
            let result = withWord { word in
                guard let left = deadline.remaining else { return csys_wait_on_word(word, Self.contended, nil) }
                var timeout = timespec(left)
                return csys_wait_on_word(word, Self.contended, &timeout)
            }
            // It comes back for all sorts of reasons, and then we look again; where it cannot wait, after a moment.
            if result == -1, ![.resourceTemporarilyUnavailable, .interrupted, .timedOut].contains(Errno.current) {
                Deadline.after(.milliseconds(1)).sleep()
            }
        }
        return true
    }

    /// Gives the lock back. For the thread that took it.
    package borrowing func unlock() {
        if state.exchange(Self.free, ordering: .releasing) == Self.contended { withWord { csys_wake_one($0) } }
    }

    @discardableResult
    private borrowing func withWord<Result>(_ body: (UnsafeMutablePointer<UInt32>) -> Result) -> Result {
        withUnsafePointer(to: state) { state in
            // An atomic is where it is for as long as it lives, and is its word.
            body(UnsafeMutableRawPointer(mutating: state).assumingMemoryBound(to: UInt32.self))
        }
    }
}
