import Syscalls

/// Names a timer, to cancel it.
public struct TimerID: Hashable, Sendable {
    /// Where the timer is, and its number among all, which that place has as long as the timer is there.
    fileprivate let index: UInt32
    fileprivate let sequence: UInt32
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
        let id: TimerID

        /// Timers due at the same moment run in the order in which they were added. Their numbers begin anew some time.
        func isBefore(_ other: Entry) -> Bool {
            due == other.due ? Int32(bitPattern: id.sequence &- other.id.sequence) < 0 : due < other.due
        }
    }

    private var heap: [Entry] = []
    private var places: [Place] = []
    /// Of each place: the timer that is there, or 0. Apart from the handlers, so that what is asked most often lies close.
    private var sequences: [UInt32] = []
    private var freePlaces: [UInt32] = []
    /// Few timers repeat.
    private var intervals: [UInt32: Duration] = [:]
    private var lastSequence: UInt32 = 0

    /// Places from here on are not in use, and are taken in order: neighbours in time are neighbours in memory.
    private var usedPlaces = 0

    private var count: Int { usedPlaces - freePlaces.count }

    mutating func add(due: Deadline, interval: Duration?, _ handler: @escaping Handler) -> TimerID {
        lastSequence &+= 1
        if lastSequence == 0 { lastSequence = 1 }
        let index: UInt32
        if let free = freePlaces.popLast() {
            index = free
        } else {
            index = UInt32(usedPlaces)
            usedPlaces += 1
            if usedPlaces > places.count {
                places.append(Place())
                sequences.append(0)
            }
        }
        places[Int(index)].handler = handler
        if let interval { intervals[index] = interval }
        sequences[Int(index)] = lastSequence
        let id = TimerID(index: index, sequence: lastSequence)
        push(Entry(due: due, id: id))
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
        // One by one: what becomes of the numbers is written there.
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
        Int(id.index) < usedPlaces && sequences[Int(id.index)] == id.sequence
    }

    private mutating func release(_ index: UInt32) -> Handler? {
        let place = Int(index)
        let handler = places[place].handler.take()
        sequences[place] = 0
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
