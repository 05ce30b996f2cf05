/// Every command and option of forkbench.
package enum Catalogue {
    package static let commands = [all, check, bench, compare, soak, hash, peer, list, completions, man]

    /// The command, or part of one, of a name such as `peer listen`.
    package static func named(_ name: String) -> CommandDescription {
        let everything = commands + commands.flatMap(\.parts)
        // A programmer's error, which the first run would show.
        guard let found = everything.first(where: { $0.name == name }) else { fatalError("no command “\(name)”") }
        return found
    }

    private static let layer = OptionDescription.Value.word("LAYER", among: Layer.allCases.map(\.rawValue))

    private static let runCodes = [
        (code: 0, meaning: "everything ran, and with --baseline nothing is worse than tolerated"),
        (code: 1, meaning: "a scenario or a benchmark failed, or something is worse than tolerated"),
        (code: 2, meaning: "the command line makes no sense, or a file of it cannot be read or written"),
        (code: 130, meaning: "interrupted by Ctrl-C; what had ended was printed and written all the same"),
    ]

    private static let tolerance = OptionDescription(
        "--tolerance", .number("PERCENT"),
        "how much worse a benchmark may be, by default 10; what chance explains is never too much")

    private static let benchOptions = [
        OptionDescription("--quick", "few samples: shows that it runs; the figures are rough"),
        OptionDescription("--filter", .text("TEXT"), "only benchmarks whose name contains TEXT"),
        OptionDescription(
            "--peers", .text("PYTHON,…"),
            "measure the same work beside ours in each Python's multiprocessing, and in billiard and loky where it can "
                + "import them: names such as python3 or python3.8, or paths"),
        OptionDescription(
            "--repeat", .number("N"), "measure each benchmark N times with fresh processes, and take all together"),
        OptionDescription("--baseline", .file, "compare with a report of --json in the end"), tolerance,
        OptionDescription(
            "--json", .file,
            "write the results as JSON too; “-” is standard output, and the table goes to standard error"),
        OptionDescription("--csv", .file, "write them as comma-separated values, “-” as above"),
        OptionDescription("--markdown", .file, "write them as a Markdown table, “-” as above"),
        OptionDescription(
            "--html", .file,
            "write them as one page with plots, for which payloads, idle descriptors, preloaded memory and workers of "
                + "several sizes are measured too"),
        OptionDescription("--emulated", "also backends that are emulated here, for tests and not for speed: kqueue"),
    ]

    private static let measuring = [
        """
        Each benchmark is measured beside its floor: the same kernel work in a bare C loop. Ours, the floor and the peers are \
        processes of their own, pinned alike, and take their samples in turns, in 10 to 20 rounds until the ratio is certain \
        to 1 %; what warms them up is dropped. The ratio says how many times worse than the floor ours is (1.00 is the floor \
        itself). In parentheses is where it lies with 95 %: the middle of 2,000 bootstrap draws over the rounds. “≈” marks \
        one that is uncertain by more than 5 %.
        """
    ]

    private static let all = CommandDescription(
        "all", summary: "check every layer, then measure every layer",
        paragraphs: [
            "Runs every scenario of “check”, then every benchmark of “bench”, with the options of that. Takes about two "
                + "minutes; with --peers and --html less than five."
        ] + measuring, options: benchOptions, exitCodes: runCodes)

    private static let check = CommandDescription(
        "check", "[LAYER…]", argument: layer, summary: "run scenarios: pass or fail, one line each",
        paragraphs: [
            "Scenarios exercise the layers, alone and together, on real processes. A line says whether one passed and how "
                + "long it took, and of one that failed what was expected and what was seen. Needs nothing but this "
                + "executable: packagers can use it as a smoke test.",
            "Without a LAYER all of them: \(Layer.names)",
        ],
        options: [
            OptionDescription("--filter", .text("TEXT"), "only scenarios whose layer or name contains TEXT")
        ],
        exitCodes: [(0, "all passed"), (1, "one failed"), (2, "the command line makes no sense, or nothing matches")])

    private static let bench = CommandDescription(
        "bench", "[LAYER…]", argument: layer, summary: "measure, each benchmark beside its floor in C",
        paragraphs: measuring + ["Without a LAYER all of them: \(Layer.names)"], options: benchOptions,
        exitCodes: runCodes)

    private static let compare = CommandDescription(
        "compare", "FIRST SECOND", argument: .file, summary: "tell how two reports of --json differ",
        paragraphs: [
            "Prints for each benchmark of both how many per cent worse the second is, with the interval in which that is "
                + "with 95 %. Where both have a floor, the ratios to it are compared: a busier machine changes them little."
        ], options: [tolerance],
        exitCodes: [
            (0, "no benchmark is worse than tolerated"), (1, "one is, and chance does not explain it"),
            (2, "a file is no report, or the command line makes no sense"),
        ])

    private static let soak = CommandDescription(
        "soak", summary: "load a pool for a long time, and check that nothing is lost or left",
        paragraphs: [
            """
            Sixteen submitters send tasks of ten kinds to a pool, each when the one before it has ended: plain, blocking, async, with \
            descriptors and with shared payloads, some that throw, run too long, are cancelled, or are run again. Every five \
            seconds a line tells rates, times and restarts; in the end every task must have ended exactly once, none been run \
            twice that may not, and descriptors, processes and memory be as they were.
            """
        ],
        options: [
            OptionDescription("--duration", .text("TIME"), "how long, such as 90s, 10m or 1h; by default 60s"),
            OptionDescription("--chaos", "kills workers, the fork server and the resource tracker throughout"),
            OptionDescription("--workers", .number("N"), "how many workers, by default 4"),
        ],
        exitCodes: [
            (0, "every invariant held"), (1, "one did not, which the last lines tell"),
            (2, "the command line makes no sense"),
        ])

    private static let hash = CommandDescription(
        "hash", "PATH…", argument: .file, summary: "SHA-256 of files and trees, by a pool of workers",
        paragraphs: [
            """
            The output is that of sha256sum, in the order of the sorted paths. Each file is opened here, and its descriptor \
            passed to a worker that hashes it. “-” is standard input. A file that cannot be read is one line on standard \
            error, and exit code 1; the others are hashed all the same.
            """
        ],
        options: [OptionDescription("--workers", .number("N"), "how many workers, by default one for each processor")],
        exitCodes: [(0, "all were hashed"), (1, "one could not be read"), (2, "the command line makes no sense")])

    private static let list = CommandDescription("list", summary: "the benchmarks and scenarios, with one line each")

    private static let completions = CommandDescription(
        "completions", "SHELL", argument: .word("SHELL", among: Completions.Shell.allCases.map(\.rawValue)),
        summary: "print a shell's completions: bash, zsh or fish",
        paragraphs: [
            "Bash: forkbench completions bash > ~/.local/share/bash-completion/completions/forkbench",
            "Zsh: forkbench completions zsh > a directory of $fpath, as _forkbench",
            "Fish: forkbench completions fish > ~/.config/fish/completions/forkbench.fish",
        ])

    private static let man = CommandDescription(
        "man", summary: "print the manual page, to be read with: forkbench man | man -l -")
}
