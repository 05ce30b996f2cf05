import ForkbenchCore

/// What a person got wrong on the command line, and what was expected. The exit code is 2.
struct UsageError: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// A command's arguments, sorted into options and the rest.
struct Arguments {
    private(set) var flags: Set<String> = []
    private(set) var values: [String: String] = [:]
    private(set) var rest: [String] = []

    /// Sorts the arguments.
    ///
    /// - Parameters:
    ///   - flags: Options without a value, such as `--quick`.
    ///   - valued: Options with one, as `--json FILE` or `--json=FILE`.
    init(_ arguments: [String], command: Command, flags: Set<String> = [], valued: Set<String> = []) throws(UsageError)
    {
        var remaining = arguments[...]
        while let argument = remaining.popFirst() {
            if argument == "--" {
                rest += remaining
                return
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                rest.append(argument)
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if flags.contains(argument) {
                self.flags.insert(argument)
            } else if valued.contains(parts[0]) {
                guard let value = parts.count == 2 ? parts[1] : remaining.popFirst() else {
                    throw UsageError("\(command.rawValue): \(argument) needs a value")
                }
                values[parts[0]] = value
            } else {
                let known = (flags.union(valued).sorted() + ["--help"]).joined(separator: ", ")
                throw UsageError("\(command.rawValue): unknown option “\(argument)”; expected one of: \(known)")
            }
        }
    }

    /// An option's value as a number of at least 1.
    func positiveNumber(_ option: String) throws(UsageError) -> Int? {
        guard let text = values[option] else { return nil }
        guard let number = Int(text), number > 0, number <= 4096 else {
            throw UsageError("\(option): “\(text)” is no number from 1 to 4096")
        }
        return number
    }

    /// The rest as layers; none means all.
    func layers() throws(UsageError) -> Set<Layer> {
        var layers: Set<Layer> = []
        for name in rest {
            guard let layer = Layer(rawValue: name) else {
                throw UsageError("“\(name)” is no layer; expected one of: \(Layer.names)")
            }
            layers.insert(layer)
        }
        return layers.isEmpty ? Set(Layer.allCases) : layers
    }
}
