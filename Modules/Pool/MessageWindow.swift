/// The messages of a map that are under way, or whose results nobody has taken yet, by their numbers.
struct MessageWindow {
    /// Tasks that went together.
    struct Message {
        let first: Int
        let count: Int
        /// Until it has ended.
        var job: Job?
        var hasEnded = false
    }

    private var messages: [Message] = []
    /// The number of the first that is still here.
    private(set) var start = 0
    /// How many have not ended.
    private(set) var running = 0

    /// The number of the next one.
    var end: Int { start + messages.count }

    mutating func append(first: Int, count: Int) {
        messages.append(Message(first: first, count: count))
        running += 1
    }

    subscript(number: Int) -> Message { messages[number - start] }

    /// Notes who runs it.
    mutating func begin(_ number: Int, _ job: Job) {
        if !messages[number - start].hasEnded { messages[number - start].job = job }
    }

    /// Notes that it has ended; `false` when it had before.
    mutating func finish(_ number: Int) -> Bool {
        guard number >= start, !messages[number - start].hasEnded else { return false }
        messages[number - start].hasEnded = true
        messages[number - start].job = nil
        running -= 1
        return true
    }

    /// Forgets those before a number.
    mutating func dropAll(before number: Int) {
        messages.removeFirst(number - start)
        start = number
    }

    var jobs: [Job] { messages.compactMap(\.job) }
}
