/// How tasks that went together have ended, in their order.
enum TaskOutcomes<Output: Sendable>: Sendable {
    /// None has failed: an array that is handed on as it is.
    case outputs([Output])
    case mixed([Result<Output, any Error>])

    /// All have failed in one way.
    init(failing count: Int, _ error: any Error) {
        self = .mixed(Array(repeating: .failure(error), count: count))
    }

    var count: Int {
        switch self {
        case .outputs(let outputs): outputs.count
        case .mixed(let results): results.count
        }
    }

    subscript(place: Int) -> Result<Output, any Error> {
        switch self {
        case .outputs(let outputs): .success(outputs[place])
        case .mixed(let results): results[place]
        }
    }

    /// The first that has failed, from a place on.
    func firstFailure(from start: Int) -> (place: Int, error: any Error)? {
        guard case .mixed(let results) = self else { return nil }
        for place in start..<results.count {
            if case .failure(let error) = results[place] { return (place, error) }
        }
        return nil
    }

    /// Puts those before the others that a worker has taken along when it died.
    mutating func prepend(_ loss: Job.Loss) {
        var all: [Result<Output, any Error>] = []
        for place in loss.tasks {
            all.append(.failure(place == loss.culprit ? loss.error : PoolError.workerDied(loss.death)))
        }
        for place in 0..<count { all.append(self[place]) }
        self = .mixed(all)
    }

    /// Puts some of the outputs at the end of others.
    ///
    /// - Throws: The error of the first that has failed.
    func append(_ places: Range<Int>, to all: inout [Output]) throws {
        switch self {
        case .outputs(let outputs): all.append(contentsOf: outputs[places])
        case .mixed(let results): for result in results[places] { all.append(try result.get()) }
        }
    }
}
