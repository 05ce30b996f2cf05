/// What a person got wrong on the command line, and what was expected. The exit code is 2.
package struct UsageError: Error, Equatable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// A command's arguments, sorted into options and the rest.
package struct Arguments: Sendable {
    private let command: String
    package private(set) var flags: Set<String> = []
    package private(set) var values: [String: String] = [:]
    package private(set) var rest: [String] = []

    /// Sorts the arguments: options without a value, such as `--quick`, those with one, as `--json FILE` or `--json=FILE`, and
    /// the rest; after `--` all is rest.
    package init(_ arguments: [String], of command: CommandDescription) throws(UsageError) {
        self.command = command.name
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
            guard let option = command.options.first(where: { $0.name == parts[0] }) else {
                let known = (command.options.map(\.name).sorted() + ["--help"]).joined(separator: ", ")
                throw UsageError("\(command.name): unknown option “\(argument)”; expected one of: \(known)")
            }
            guard option.value != nil else {
                guard parts.count == 1 else { throw UsageError("\(command.name): \(option.name) takes no value") }
                flags.insert(option.name)
                continue
            }
            guard let value = parts.count == 2 ? parts[1] : remaining.popFirst() else {
                throw UsageError("\(command.name): \(option.synopsis) needs a value")
            }
            if case .word(_, let words) = option.value, !words.contains(value) {
                let expected = words.joined(separator: " ")
                throw UsageError("\(option.name): “\(value)” is none; expected one of: \(expected)")
            }
            values[option.name] = value
        }
    }

    /// An option's value as a number of at least 1.
    package func positiveNumber(_ option: String) throws(UsageError) -> Int? {
        guard let text = values[option] else { return nil }
        guard let number = Int(text), number > 0, number <= 4096 else {
            throw UsageError("\(option): “\(text)” is no number from 1 to 4096")
        }
        return number
    }

    /// An option's value in per cent, such as `10` or `2.5`, as a share.
    package func share(_ option: String) throws(UsageError) -> Double? {
        guard let text = values[option] else { return nil }
        guard let number = Double(text), number >= 0, number <= 10_000 else {
            throw UsageError("\(option): “\(text)” is no number of per cent")
        }
        return number / 100
    }

    /// An option's value as words between commas.
    package func list(_ option: String) -> [String] {
        values[option]?.split(separator: ",").map(String.init) ?? []
    }

    /// The rest as layers; none means all.
    package func layers() throws(UsageError) -> Set<Layer> {
        var layers: Set<Layer> = []
        for name in rest {
            guard let layer = Layer(rawValue: name) else {
                throw UsageError("“\(name)” is no layer; expected one of: \(Layer.names)")
            }
            layers.insert(layer)
        }
        return layers.isEmpty ? Set(Layer.allCases) : layers
    }

    /// Says so where there is anything that is no option.
    package func expectNoRest() throws(UsageError) {
        guard rest.isEmpty else { throw UsageError("\(command): takes no arguments; see forkbench \(command) --help") }
    }
}
