import ForkbenchCore

extension Command {
    func runList(_ arguments: [String]) throws -> Int32 {
        try parse(arguments).expectNoRest()
        print("Benchmarks")
        for benchmark in Benchmark.all where benchmark.plot == nil {
            let notes = [benchmark.goal.map { "goal \($0.text)" }, benchmark.isEmulated ? "with --emulated" : nil]
            let note = notes.compactMap(\.self).joined(separator: ", ")
            print("  \(benchmark.name.padded(to: 31))\(benchmark.summary)\(note.isEmpty ? "" : " (\(note))")")
        }
        print("\nScenarios")
        for scenario in Scenario.all { print("  \(scenario.layer.rawValue.padded(to: 12))\(scenario.name)") }
        return 0
    }

    func runCompletions(_ arguments: [String]) throws -> Int32 {
        let names = Completions.Shell.allCases.map(\.rawValue).joined(separator: ", ")
        let parsed = try parse(arguments)
        guard parsed.rest.count == 1, let shell = Completions.Shell(rawValue: parsed.rest[0]) else {
            throw UsageError("completions: expected one of: \(names)")
        }
        print(Completions.script(for: shell), terminator: "")
        return 0
    }

    func runMan(_ arguments: [String]) throws -> Int32 {
        try parse(arguments).expectNoRest()
        print(ManualPage.text, terminator: "")
        return 0
    }
}
