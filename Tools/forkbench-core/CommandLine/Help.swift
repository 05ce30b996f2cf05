/// What `--help` prints, of at most 100 columns.
extension CommandDescription {
    package var help: String {
        var blocks: [String] = [wrapped("\(synopsis): \(summary).", to: 100)]
        blocks += paragraphs.map { wrapped($0, to: 100) }
        if let options = optionHelp { blocks.append(options) }
        for part in parts { blocks.append(part.help) }
        if !exitCodes.isEmpty {
            blocks.append("Exit codes:\n" + exitCodes.map { "  \($0.code)  \($0.meaning)" }.joined(separator: "\n"))
        }
        return blocks.joined(separator: "\n\n")
    }

    private var optionHelp: String? {
        guard !options.isEmpty else { return nil }
        let width = (options.map(\.synopsis.count).max() ?? 0) + 4
        let lines = options.map { option in
            let text = wrapped(option.help, to: 100 - width).split(separator: "\n")
            let indented = text.joined(separator: "\n" + String(repeating: " ", count: width))
            return "  \(option.synopsis)".padded(to: width) + indented
        }
        return lines.joined(separator: "\n")
    }

    /// One line for each command.
    package static func overview(of commands: [CommandDescription]) -> String {
        let width = (commands.map(\.synopsis.count).max() ?? 0) + 4
        let lines = commands.map { "  \($0.synopsis)".padded(to: width) + $0.summary }
        return """
            forkbench exercises and measures the layers of swift-forkserver, on real processes.

            \(lines.joined(separator: "\n"))

            LAYER is one of: \(Layer.names)
            Without a command, or with options alone, it is “all”. Each command has a --help of its own.
            """
    }
}

/// A text in lines of at most so many columns; a word that is longer has a line of its own.
func wrapped(_ text: String, to width: Int) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty, line.count + 1 + word.count > width {
            lines.append(line)
            line = ""
        }
        line += (line.isEmpty ? "" : " ") + word
    }
    return (lines + [line]).joined(separator: "\n")
}
