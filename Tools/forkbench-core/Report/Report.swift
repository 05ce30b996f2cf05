/// A run: where it took place, and what came of it.
package struct Report: Sendable {
    package var host: HostFacts
    package var results: [BenchmarkResult] = []
    /// Benchmarks that could not be measured.
    package var failures: [Failure] = []
    /// Peers that were asked for and are not there, or could not do a work.
    package var missingPeers: [Failure] = []
    /// Whether the run was ended before its end.
    package var isInterrupted = false

    package struct Failure: Sendable, Equatable {
        package let name: String
        package let reason: String

        package init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    package init(host: HostFacts) { self.host = host }

    /// Those that are no points of a plot alone.
    package var tableResults: [BenchmarkResult] { results.filter { $0.plot == nil } }
}

/// What a figure depends on besides the code.
package struct HostFacts: Sendable, Equatable {
    package var system: String
    package var release: String
    package var machine: String
    package var processor: String
    package var processors: Int
    /// Of the processors' frequency, such as `performance`; `nil` where the kernel does not say.
    package var governor: String?
    /// Such as `madvise`; `nil` where the kernel does not say.
    package var hugePages: String?
    package var swift: String
    /// `release` or `debug`.
    package var build: String
    /// `dynamic`, `static-stdlib` or `static-executable`.
    package var linking: String
    /// Where the two sides are pinned, for people.
    package var pinning: String
    /// When the run began, as ISO 8601 has it.
    package var started: String

    package init(
        system: String, release: String, machine: String, processor: String, processors: Int, governor: String?,
        hugePages: String?, swift: String, build: String, linking: String, pinning: String, started: String
    ) {
        self.system = system
        self.release = release
        self.machine = machine
        self.processor = processor
        self.processors = processors
        self.governor = governor
        self.hugePages = hugePages
        self.swift = swift
        self.build = build
        self.linking = linking
        self.pinning = pinning
        self.started = started
    }

    package var isDebug: Bool { build == "debug" }

    /// For people, in lines of less than 100 columns.
    package var lines: [String] {
        [
            "\(system) \(release) \(machine), \(processors) processors: \(processor)",
            "governor \(governor ?? "unknown"), huge pages \(hugePages ?? "unknown"); \(pinning)",
            "Swift \(swift), \(build) build, \(linking); \(started)",
        ]
    }

    package static let debugWarning =
        "WARNING: this is a debug build: its figures mean nothing. Build with: swift build -c release"
}
