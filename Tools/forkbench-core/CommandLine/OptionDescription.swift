/// An option, as everything that speaks of it knows it: the parser, `--help`, the completions and the manual page.
package struct OptionDescription: Sendable {
    /// With its dashes.
    package let name: String
    package let value: Value?
    package let help: String

    /// What an option, or an argument, takes.
    package enum Value: Sendable, Equatable {
        case file
        case number(String)
        case text(String)
        case word(String, among: [String])

        /// As it is called in a synopsis.
        package var placeholder: String {
            switch self {
            case .file: "FILE"
            case .number(let name), .text(let name), .word(let name, _): name
            }
        }
    }

    package init(_ name: String, _ help: String) {
        self.init(name, nil, help)
    }

    package init(_ name: String, _ value: Value?, _ help: String) {
        self.name = name
        self.value = value
        self.help = help
    }

    /// Such as `--json FILE`.
    package var synopsis: String { value.map { "\(name) \($0.placeholder)" } ?? name }
}

/// A command, or one that is a part of another.
package struct CommandDescription: Sendable {
    /// Words that name it, such as `peer listen`.
    package let name: String
    /// What comes after the name and is no option, such as `[LAYER…]`.
    package let arguments: String
    /// What completions offer for those.
    package let argument: OptionDescription.Value?
    /// One line, without a full stop.
    package let summary: String
    package let paragraphs: [String]
    package let options: [OptionDescription]
    package let exitCodes: [(code: Int, meaning: String)]
    package let parts: [CommandDescription]

    package init(
        _ name: String, _ arguments: String = "", argument: OptionDescription.Value? = nil, summary: String,
        paragraphs: [String] = [], options: [OptionDescription] = [], exitCodes: [(code: Int, meaning: String)] = [],
        parts: [CommandDescription] = []
    ) {
        self.name = name
        self.arguments = arguments
        self.argument = argument
        self.summary = summary
        self.paragraphs = paragraphs
        self.options = options
        self.exitCodes = exitCodes
        self.parts = parts
    }

    /// Such as `forkbench check [LAYER…] [OPTION…]`.
    package var synopsis: String {
        (["forkbench", name, arguments] + (options.isEmpty ? [] : ["[OPTION…]"])).filter { !$0.isEmpty }
            .joined(separator: " ")
    }
}
