import Syscalls

/// Names a timer, to cancel it.
public struct TimerID: Hashable, Sendable {
    fileprivate let index: UInt32
    fileprivate let generation: UInt32
}

/// Timers in the order in which they are due: a binary heap.
///
/// A cancelled timer leaves its place in the heap to be found later; when those are more than half, the heap is rebuilt.
struct Timers {
    typealias Handler = () -> Void

    /// A closure by itself would be stored in an array in a form that costs an allocation.
    private struct Place {
        var handler: Handler?
    }

    private struct Entry {
        var due: Deadline
        /// Timers due at the same moment run in the order in which they were added.
        let order: UInt64
        let id: TimerID

        func isBefore(_ other: Entry) -> Bool {
            due == other.due ? order < other.order : due < other.due
        }
    }

    private var heap: [Entry] = []
    private var places: [Place] = []
    /// Of each place: it grows when a timer leaves it. Apart from the handlers, so that what is asked most often lies close.
    private var generations: [UInt32] = []
    private var freePlaces: [UInt32] = []
    /// Few timers repeat.
    private var intervals: [UInt32: Duration] = [:]
    private var additions: UInt64 = 0

    /// Places from here on are not in use, and are taken in order: neighbours in time are neighbours in memory.
    private var usedPlaces = 0

    private var count: Int { usedPlaces - freePlaces.count }

    mutating func add(due: Deadline, interval: Duration?, _ handler: @escaping Handler) -> TimerID {
        additions += 1
        let index: UInt32
        if let free = freePlaces.popLast() {
            index = free
        } else {
            index = UInt32(usedPlaces)
            usedPlaces += 1
            if usedPlaces > places.count {
                places.append(Place())
                generations.append(0)
            }
        }
        places[Int(index)].handler = handler
        if let interval { intervals[index] = interval }
        let id = TimerID(index: index, generation: generations[Int(index)])
        push(Entry(due: due, order: additions, id: id))
        return id
    }

    /// - Returns: The handler, for the caller to let go of: what it holds may use the reactor in its `deinit`.
    @discardableResult
    mutating func cancel(_ id: TimerID) -> Handler? {
        guard isPending(id) else { return nil }
        let handler = release(id.index)
        if heap.count > 64, heap.count > count * 2 { rebuild() }
        return handler
    }

    mutating func removeAll() {
        // The generations stay: a timer of before is not to be taken for one that comes after.
        for index in places.indices where places[index].handler != nil { _ = release(UInt32(index)) }
        heap = []
    }

    var isEmpty: Bool { heap.isEmpty }

    /// When the next timer is due.
    var nextDue: Deadline? {
        mutating get {
            while let first = heap.first {
                if isPending(first.id) { return first.due }
                _ = pop()
            }
            return nil
        }
    }

    /// The handler of the next timer that is due by `now`; a repeating timer is put off by its interval.
    mutating func takeDue(by now: Deadline) -> Handler? {
        guard let due = nextDue, due <= now else { return nil }
        var entry = pop()
        let index = entry.id.index
        guard let interval = intervals[index] else { return release(index) }
        // After a delay it does not catch up. And it is never due again in this round, not even without an interval.
        let next = entry.due + interval
        entry.due = next > now ? next : now + max(interval, .nanoseconds(1))
        push(entry)
        return places[Int(index)].handler
    }

    private func isPending(_ id: TimerID) -> Bool {
        // A place that is not in use has a generation that no timer has had yet.
        Int(id.index) < usedPlaces && generations[Int(id.index)] == id.generation
    }

    private mutating func release(_ index: UInt32) -> Handler? {
        let place = Int(index)
        let handler = places[place].handler.take()
        generations[place] &+= 1
        if !intervals.isEmpty { intervals[index] = nil }
        freePlaces.append(index)
        if freePlaces.count == usedPlaces {
            freePlaces.removeAll(keepingCapacity: true)
            usedPlaces = 0
        }
        return handler
    }

    // MARK: The heap

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    private mutating func pop() -> Entry {
        let first = heap[0]
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last, from: 0) }
        return first
    }

    /// Puts an entry at a place or below it.
    private mutating func sink(_ entry: Entry, from place: Int) {
        var parent = place
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(entry) else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = entry
    }

    private mutating func rebuild() {
        if count == 0 { return heap.removeAll(keepingCapacity: true) }
        heap = heap.filter { isPending($0.id) }
        for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(heap[place], from: place) }
    }
}
