import Syscalls

/// Names a timer, to cancel it.
public struct TimerID: Hashable, Sendable {
    fileprivate let number: UInt64
}

/// Timers in the order in which they are due: a binary heap.
///
/// A cancelled timer leaves its place in the heap to be found later; when those are more than half, the heap is rebuilt.
struct Timers {
    typealias Handler = () -> Void

    private struct Entry {
        var due: Deadline
        var id: TimerID

        /// Timers due at the same moment run in the order in which they were added.
        func isBefore(_ other: Entry) -> Bool {
            due == other.due ? id.number < other.id.number : due < other.due
        }
    }

    private struct Timer {
        let handler: Handler
        let interval: Duration?
    }

    private var heap: [Entry] = []
    private var timers: [TimerID: Timer] = [:]
    private var lastNumber: UInt64 = 0

    mutating func add(due: Deadline, interval: Duration?, _ handler: @escaping Handler) -> TimerID {
        lastNumber += 1
        let id = TimerID(number: lastNumber)
        timers[id] = Timer(handler: handler, interval: interval)
        push(Entry(due: due, id: id))
        return id
    }

    /// - Returns: The handler, for the caller to let go of: what it holds may use the reactor in its `deinit`.
    @discardableResult
    mutating func cancel(_ id: TimerID) -> Handler? {
        guard let timer = timers.removeValue(forKey: id) else { return nil }
        if heap.count > 64, heap.count > timers.count * 2 {
            heap = heap.filter { timers[$0.id] != nil }.sorted { $0.isBefore($1) }
        }
        return timer.handler
    }

    mutating func removeAll() {
        heap = []
        timers = [:]
    }

    /// When the next timer is due.
    var nextDue: Deadline? {
        mutating get {
            while let first = heap.first {
                if timers[first.id] != nil { return first.due }
                _ = pop()
            }
            return nil
        }
    }

    /// The handler of the next timer that is due by `now`; a repeating timer is put off by its interval.
    mutating func takeDue(by now: Deadline) -> Handler? {
        guard let due = nextDue, due <= now else { return nil }
        var entry = pop()
        guard let timer = timers[entry.id] else { return nil }
        if let interval = timer.interval {
            // After a delay it does not catch up. And it is never due again in this round, not even without an interval.
            let next = entry.due + interval
            entry.due = next > now ? next : now + max(interval, .nanoseconds(1))
            push(entry)
        } else {
            timers[entry.id] = nil
        }
        return timer.handler
    }

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() -> Entry {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].isBefore(heap[smallest]) { smallest = child }
            }
            guard smallest != parent else { return first }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
