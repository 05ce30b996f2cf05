/// What `--help` prints, of at most 100 columns.
extension CommandDescription {
    package var help: String {
        var blocks = ["\(synopsis): \(summary)."] + paragraphs
        blocks = blocks.map { wrapped($0, to: helpWidth) }
        if !options.isEmpty { blocks.append(definitions(options.map { ($0.synopsis, $0.help) })) }
        blocks += parts.map(\.help)
        if !exitCodes.isEmpty {
            blocks.append("Exit codes:\n" + definitions(exitCodes.map { ("\($0.code)", $0.meaning) }))
        }
        return blocks.joined(separator: "\n\n")
    }

    /// One line for each command.
    package static func overview(of commands: [CommandDescription]) -> String {
        """
        forkbench exercises and measures the layers of swift-forkserver, on real processes.

        \(definitions(commands.map { ($0.synopsis, $0.summary) }))

        LAYER is one of: \(Layer.names)
        Without a command, or with options alone, it is “all”. Each command has a --help of its own.
        """
    }
}

private let helpWidth = 100

/// Terms, and what they mean in a column beside them.
private func definitions(_ entries: [(term: String, meaning: String)]) -> String {
    let width = (entries.map(\.term.count).max() ?? 0) + 4
    let lines = entries.map { entry in
        let meaning = wrapped(entry.meaning, to: helpWidth - width).split(separator: "\n")
        return "  \(entry.term)".padded(to: width)
            + meaning.joined(separator: "\n" + String(repeating: " ", count: width))
    }
    return lines.joined(separator: "\n")
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
