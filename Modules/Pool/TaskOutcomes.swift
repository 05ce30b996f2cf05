/// How tasks that went together have ended, in their order.
enum TaskOutcomes<Output: Sendable>: Sendable {
    /// One went alone, and has not failed.
    case output(Output)
    /// None has failed: an array that is handed on as it is.
    case outputs([Output])
    case mixed([Result<Output, any Error>])

    /// All have failed in one way.
    init(failing count: Int, _ error: any Error) {
        self = .mixed(Array(repeating: .failure(error), count: count))
    }

    var count: Int {
        switch self {
        case .output: 1
        case .outputs(let outputs): outputs.count
        case .mixed(let results): results.count
        }
    }

    subscript(place: Int) -> Result<Output, any Error> {
        switch self {
        case .output(let output): .success(output)
        case .outputs(let outputs): .success(outputs[place])
        case .mixed(let results): results[place]
        }
    }

    /// The first that has failed.
    var firstFailure: (place: Int, error: any Error)? {
        guard case .mixed(let results) = self else { return nil }
        for (place, result) in results.enumerated() {
            if case .failure(let error) = result { return (place, error) }
        }
        return nil
    }

    /// Puts the outputs at the end of others.
    ///
    /// - Throws: The error of the first that has failed.
    func append(to all: inout [Output]) throws {
        switch self {
        case .output(let output): all.append(output)
        case .outputs(let outputs): all.append(contentsOf: outputs)
        case .mixed(let results): for result in results { all.append(try result.get()) }
        }
    }
}
