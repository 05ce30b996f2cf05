import ForkbenchCore
import Testing

@Suite("Forkbench: command line") struct CommandLineTests {
    private let bench = Catalogue.named("bench")

    @Test("options are told from arguments, with values after a blank or an equals sign")
    func sorting() throws {
        let parsed = try Arguments(
            ["pool", "--quick", "--json", "a.json", "--filter=x=y", "forkserver", "--csv", "-"], of: bench)
        #expect(parsed.flags == ["--quick"])
        #expect(parsed.values == ["--json": "a.json", "--filter": "x=y", "--csv": "-"])
        #expect(try parsed.layers() == [.pool, .forkserver])
    }

    @Test("after two dashes nothing is an option")
    func dashes() throws {
        let parsed = try Arguments(["--workers", "3", "--", "--strange"], of: Catalogue.named("hash"))
        #expect(parsed.rest == ["--strange"])
        #expect(try parsed.positiveNumber("--workers") == 3)
    }

    @Test(
        "what is wrong is said with what was expected",
        arguments: [
            (["--jsn", "x"], "expected one of: --baseline"), (["--json"], "--json FILE needs a value"),
            (["--quick=yes"], "--quick takes no value"), (["colour"], "expected one of: syscalls"),
        ])
    func errors(arguments: [String], expected: String) {
        let error = #expect(throws: UsageError.self) { try Arguments(arguments, of: bench).layers() }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
    }

    @Test("a word that is none of an option's is refused")
    func words() {
        let error = #expect(throws: UsageError.self) {
            try Arguments(["--mode", "loud"], of: Catalogue.named("peer listen"))
        }
        #expect(error?.message.contains("expected one of: echo descriptors") == true)
    }

    @Test("numbers, shares and lists are read, and nonsense is not")
    func values() throws {
        let parsed = try Arguments(["--repeat", "0", "--tolerance", "2.5", "--peers", "python3,/a/b"], of: bench)
        #expect(throws: UsageError.self) { try parsed.positiveNumber("--repeat") }
        #expect(try parsed.share("--tolerance") == 0.025)
        #expect(parsed.list("--peers") == ["python3", "/a/b"])
        #expect(parsed.list("--json").isEmpty)
        #expect(throws: UsageError.self) { try Arguments(["--tolerance", "-1"], of: bench).share("--tolerance") }
    }

    @Test("--help of every command tells all of its options and exit codes, in 100 columns")
    func help() {
        for command in Catalogue.commands {
            let help = command.help
            for option in command.options + command.parts.flatMap(\.options) {
                #expect(help.contains(option.synopsis), "\(command.name) \(option.name)")
            }
            for (code, _) in command.exitCodes { #expect(help.contains("\n  \(code) ")) }
            for line in help.split(separator: "\n") { #expect(line.count <= 100, "\(line)") }
        }
        let overview = CommandDescription.overview(of: Catalogue.commands)
        for command in Catalogue.commands { #expect(overview.contains("  \(command.synopsis) ")) }
        for line in overview.split(separator: "\n") { #expect(line.count <= 100, "\(line)") }
    }

    @Test("completions of every shell know every command and every option", arguments: Completions.Shell.allCases)
    func completions(shell: Completions.Shell) {
        let script = Completions.script(for: shell)
        for command in Catalogue.commands {
            #expect(script.contains(command.name))
            for option in command.options + command.parts.flatMap(\.options) {
                #expect(script.contains(shell == .fish ? "-l \(option.name.dropFirst(2))" : option.name))
            }
        }
    }

    @Test("the manual page has a section for each command, and no line that troff would take for a request")
    func manualPage() {
        let lines = ManualPage.text.split(separator: "\n")
        let requests = [".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".br", ".EX", ".EE", ".\\\""]
        for line in lines where line.hasPrefix(".") {
            #expect(requests.contains(String(line.prefix { $0 != " " })), "\(line)")
        }
        for command in Catalogue.commands {
            #expect(ManualPage.text.contains(".SS \"forkbench \(command.name)"))
        }
    }
}
