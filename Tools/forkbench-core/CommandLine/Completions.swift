/// What shells are told, so that they complete commands, options and their values.
package enum Completions {
    package enum Shell: String, CaseIterable, Sendable {
        case bash, zsh, fish
    }

    package static func script(for shell: Shell) -> String {
        switch shell {
        case .bash: bash
        case .zsh: zsh
        case .fish: fish
        }
    }

    /// Every command, parts of commands included; those of a part begin with the command's name.
    private static var all: [CommandDescription] { Catalogue.commands.flatMap { [$0] + $0.parts } }

    private static var commandNames: String { Catalogue.commands.map(\.name).joined(separator: " ") }

    // MARK: bash

    private static var bash: String {
        let cases = all.map { command in
            let options = (command.options.map(\.name) + ["--help"]).joined(separator: " ")
            return """
                    "\(command.name)")
                        options="\(options)" argument="\(bashAction(command.argument))" ;;
                """
        }
        let values = uniqueValues.map { name, value in
            """
                    \(name)) \(bashReply(to: value)) ;;
            """
        }
        return """
            # bash completion for forkbench; made by: forkbench completions bash
            _forkbench() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
                local command=${COMP_WORDS[1]} options argument
                COMPREPLY=()
                case $previous in
            \(values.joined(separator: "\n"))
                esac
                if [[ $COMP_CWORD -eq 1 && $current != -* ]]; then
                    COMPREPLY=($(compgen -W "\(commandNames)" -- "$current"))
                    return
                fi
                [[ $command == peer && $COMP_CWORD -gt 2 ]] && command="peer ${COMP_WORDS[2]}"
                [[ $command == -* ]] && command=all
                case $command in
            \(cases.joined(separator: "\n"))
                esac
                if [[ $current == -* ]]; then
                    COMPREPLY=($(compgen -W "$options" -- "$current"))
                elif [[ $argument == FILE ]]; then
                    compopt -o filenames
                    COMPREPLY=($(compgen -f -- "$current"))
                else
                    COMPREPLY=($(compgen -W "$argument" -- "$current"))
                fi
            }
            complete -F _forkbench forkbench

            """
    }

    private static func bashAction(_ value: OptionDescription.Value?) -> String {
        switch value {
        case .file: "FILE"
        case .word(_, let words): words.joined(separator: " ")
        case .number, .text, nil: ""
        }
    }

    private static func bashReply(to value: OptionDescription.Value) -> String {
        switch value {
        case .file: "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); return"
        case .word(_, let words):
            "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$current\")); return"
        case .number, .text: "return"
        }
    }

    /// The options that take something, each once: one of the same name takes the same wherever it is.
    private static var uniqueValues: [(String, OptionDescription.Value)] {
        var values: [(String, OptionDescription.Value)] = []
        for option in all.flatMap(\.options) {
            if let value = option.value, !values.contains(where: { $0.0 == option.name }) {
                values.append((option.name, value))
            }
        }
        return values
    }

    // MARK: zsh

    private static var zsh: String {
        let commands = Catalogue.commands.map { "        \(quoted("\($0.name):\($0.summary)"))" }
        let cases = all.map { command in
            let options =
                command.options.map { "                \(quoted(zshOption($0)))" } + [
                    "                '--help[tell more]'"
                ]
            let argument = command.argument.map { ["                \(quoted("*: :\(zshAction($0))"))"] } ?? []
            return "            \(quoted(command.name)))\n                _arguments \\\n"
                + (options + argument).joined(separator: " \\\n") + " ;;"
        }
        return """
            #compdef forkbench
            # zsh completion for forkbench; made by: forkbench completions zsh
            _forkbench() {
                local -a commands
                commands=(
            \(commands.joined(separator: "\n"))
                )
                if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
                    _describe command commands
                    return
                fi
                local command=$words[2]
                [[ $command == -* ]] && command=all
                if [[ $command == peer ]] && (( CURRENT > 3 )); then
                    command="peer $words[3]"
                    shift words
                    (( CURRENT-- ))
                fi
                if [[ $words[2] != -* ]]; then
                    shift words
                    (( CURRENT-- ))
                fi
                case $command in
            \(cases.joined(separator: "\n"))
                esac
            }
            if [[ $funcstack[1] == _forkbench ]]; then
                _forkbench "$@"
            else
                compdef _forkbench forkbench
            fi

            """
    }

    private static func zshOption(_ option: OptionDescription) -> String {
        let help = option.help.filter { !"[]:".contains($0) }
        return "\(option.name)[\(help)]" + (option.value.map { ":\($0.placeholder):\(zshAction($0))" } ?? "")
    }

    private static func zshAction(_ value: OptionDescription.Value) -> String {
        switch value {
        case .file: "_files"
        case .word(_, let words): "(\(words.joined(separator: " ")))"
        case .number, .text: " "
        }
    }

    // MARK: fish

    private static var fish: String {
        var lines = [
            "# fish completion for forkbench; made by: forkbench completions fish", "complete -c forkbench -f",
        ]
        // Options without a command are those of “all”.
        lines += fishLines(of: Catalogue.named("all"), when: "__fish_use_subcommand")
        for command in Catalogue.commands {
            lines.append(
                "complete -c forkbench -n __fish_use_subcommand -a \(command.name) -d \(quoted(command.summary))")
            lines += fishLines(of: command, when: "__fish_seen_subcommand_from \(command.name)")
            for part in command.parts {
                let word = part.name.split(separator: " ").last!
                lines += fishLines(
                    of: part,
                    when: "__fish_seen_subcommand_from \(command.name); and __fish_seen_subcommand_from \(word)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func fishLines(of command: CommandDescription, when condition: String) -> [String] {
        let start = "complete -c forkbench -n \(quoted(condition))"
        let argument = command.argument.map { ["\(start) \(fishAction($0))"] } ?? []
        return argument
            + command.options.map { option in
                let value = option.value.map { $0 == .file ? " -r -F" : " -x \(fishAction($0))" } ?? ""
                return "\(start) -l \(option.name.dropFirst(2))\(value) -d \(quoted(option.help))"
            }
    }

    private static func fishAction(_ value: OptionDescription.Value) -> String {
        switch value {
        case .file: "-F"
        case .word(_, let words): "-a \(quoted(words.joined(separator: " ")))"
        case .number, .text: ""
        }
    }

    /// For a shell: between apostrophes.
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
