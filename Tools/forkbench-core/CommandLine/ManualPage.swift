/// forkbench(1), as man(7) has it.
package enum ManualPage {
    package static var text: String {
        var lines = [
            #".\" Made by: forkbench man"#,
            #".TH FORKBENCH 1 "" "swift-forkserver" "User commands""#,
            ".SH NAME", #"forkbench \- exercise and measure the layers of swift-forkserver"#,
            ".SH SYNOPSIS",
        ]
        for command in Catalogue.commands { lines += [".B " + escaped(command.synopsis), ".br"] }
        lines += [
            ".SH DESCRIPTION",
            "Without a command, or with options alone, it is",
            ".BR all .",
        ]
        for command in Catalogue.commands { lines += section(of: command, macro: ".SS") }
        lines += [
            ".SH ENVIRONMENT", ".TP", ".B NO_COLOR", "If set and not empty, the table has no colours.",
            ".TP", ".B PYENV_ROOT", "Where interpreters that \\-\\-peers names are looked for after the search path.",
        ]
        lines += [".SH EXAMPLES", ".EX"]
        lines += examples.map(escaped)
        lines += [".EE"]
        return lines.joined(separator: "\n") + "\n"
    }

    private static let examples = [
        "forkbench check",
        "forkbench bench forkserver pool --peers python3 --html report.html",
        "forkbench bench --json before.json",
        "forkbench bench --baseline before.json --tolerance 5",
    ]

    private static func section(of command: CommandDescription, macro: String) -> [String] {
        var lines = ["\(macro) \"\(escaped(command.synopsis))\"", escaped(capitalized(command.summary)) + "."]
        for paragraph in command.paragraphs { lines += [".PP", escaped(paragraph)] }
        for option in command.options { lines += [".TP", ".B " + escaped(option.synopsis), escaped(option.help)] }
        for part in command.parts { lines += section(of: part, macro: ".SS") }
        if !command.exitCodes.isEmpty { lines += [".PP", "Exit codes:"] }
        for (code, meaning) in command.exitCodes { lines += [".TP", ".B \(code)", escaped(meaning)] }
        return lines
    }

    private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    /// A backslash and what begins a request are not to be meant so; a dash is one that can be copied.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "…": result += "..."
            case "“": result += "\\(lq"
            case "”": result += "\\(rq"
            default: result.append(character)
            }
        }
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }
}
