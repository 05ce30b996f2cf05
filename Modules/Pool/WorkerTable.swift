/// The workers that there are, by their numbers.
struct WorkerTable {
    /// Numbers are small and looked up for each task: what a dictionary would be for, in less time.
    private var places: [Worker?] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    subscript(number: Int) -> Worker? {
        get { number < places.count ? places[number] : nil }
        set {
            while places.count <= number { places.append(nil) }
            count += (newValue == nil ? 0 : 1) - (places[number] == nil ? 0 : 1)
            places[number] = newValue
        }
    }

    /// In the order of their numbers.
    var all: [Worker] { places.compactMap(\.self) }
}
