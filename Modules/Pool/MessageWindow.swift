/// The messages of a map that are under way, or whose results nobody has taken yet, by their numbers.
struct MessageWindow {
    /// Tasks that went together.
    struct Message {
        /// The place of its first task among all.
        let first: Int
        let count: Int
        /// Until it has ended.
        var job: Job?
        /// Where its results are: in which arrival, and from which place on.
        var results: (arrival: Int, place: Int)?
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
        if messages[number - start].results == nil { messages[number - start].job = job }
    }

    /// Notes where the results of one are that has ended.
    mutating func finish(_ number: Int, arrival: Int, place: Int) {
        messages[number - start].results = (arrival, place)
        messages[number - start].job = nil
        running -= 1
    }

    /// Whether it has ended, though not so long ago that its results were taken and forgotten.
    func hasEnded(_ number: Int) -> Bool { messages[number - start].results != nil }

    /// Forgets those before a number.
    mutating func dropAll(before number: Int) {
        messages.removeFirst(number - start)
        start = number
    }

    var jobs: [Job] { messages.compactMap(\.job) }

    /// Where the results of all are, in the order of the tasks: as few pieces as there are.
    var resultsInOrder: [(arrival: Int, places: Range<Int>)] {
        var pieces: [(arrival: Int, places: Range<Int>)] = []
        for message in messages {
            guard let (arrival, place) = message.results else { continue }
            if let last = pieces.last, last.arrival == arrival, last.places.upperBound == place {
                pieces[pieces.count - 1].places = last.places.lowerBound..<place + message.count
            } else {
                pieces.append((arrival, place..<place + message.count))
            }
        }
        return pieces
    }
}
