import ForkbenchCore

/// A subcommand, as people call it.
enum Command: String, CaseIterable {
    case all, check, bench, compare, soak, hash, peer, list, completions, man

    /// Runs what the arguments say. Returns the exit code.
    static func run(_ arguments: [String]) async throws -> Int32 {
        guard let first = arguments.first else { return try await Command.all.run([]) }
        if ["--help", "-h", "help"].contains(first) {
            print(CommandDescription.overview(of: Catalogue.commands))
            return 0
        }
        if let command = Command(rawValue: first) { return try await command.run(Array(arguments.dropFirst())) }
        // Options without a command are those of `all`.
        if first.hasPrefix("-") { return try await Command.all.run(arguments) }
        let names = allCases.map(\.rawValue).joined(separator: ", ")
        throw UsageError("“\(first)” is no command; expected one of: \(names) (see forkbench --help)")
    }

    private func run(_ arguments: [String]) async throws -> Int32 {
        // What comes after `--` is not ours.
        let own = arguments.prefix { $0 != "--" }
        if own.contains("--help") || own.contains("-h") {
            print(Catalogue.named(rawValue).help)
            return 0
        }
        switch self {
        case .all: return try runAll(arguments)
        case .check: return try runCheck(arguments)
        case .bench: return try runBench(arguments)
        case .compare: return try runCompare(arguments)
        case .soak: return try await runSoak(arguments)
        case .hash: return try await runHash(arguments)
        case .peer: return try runPeer(arguments)
        case .list: return try runList(arguments)
        case .completions: return try runCompletions(arguments)
        case .man: return try runMan(arguments)
        }
    }

    /// The arguments, sorted as this command's description says.
    func parse(_ arguments: [String]) throws(UsageError) -> Arguments {
        try Arguments(arguments, of: Catalogue.named(rawValue))
    }
}
