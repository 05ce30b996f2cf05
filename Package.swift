// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors where CI says so, and a matter of taste elsewhere.
let strict = Context.environment["CI"] != nil
let swiftSettings: [SwiftSetting] = strict ? [.treatAllWarnings(as: .error)] : []
let cSettings: [CSetting] =
    [.define("_GNU_SOURCE", .when(platforms: [.linux]))] + (strict ? [.treatAllWarnings(as: .error)] : [])

/// A module of the package: its target, its library product, and (unless it is C) its test target.
struct Layer {
    let name: String
    var imports: [String] = []
    /// What its tests need beside it and what it imports: helper processes and libraries of `Tests/Support`.
    var testSupport: [String] = []
    var isC = false

    var targets: [Target] {
        guard !isC else { return [.target(name: name, path: "Modules/\(name)", cSettings: cSettings)] }
        return [
            .target(
                name: name, dependencies: imports.map { .byName(name: $0) }, path: "Modules/\(name)",
                swiftSettings: swiftSettings),
            .testTarget(
                name: "\(name)Tests", dependencies: ([name] + imports + testSupport).map { .byName(name: $0) },
                path: "Tests/\(name)Tests", swiftSettings: swiftSettings),
        ]
    }
}

let layers: [Layer] = [
    Layer(name: "CSyscalls", isC: true),
    Layer(name: "Syscalls", imports: ["CSyscalls"], testSupport: ["TestSupport", "SyscallsHelper"]),
    Layer(
        name: "FDPassing", imports: ["Syscalls", "CSyscalls"], testSupport: ["TestSupport", "FDPassingHelper"]),
    Layer(name: "Framing", imports: ["Syscalls", "FDPassing"], testSupport: ["TestSupport", "FramingHelper"]),
    Layer(name: "Auth", imports: ["Syscalls", "Framing"], testSupport: ["TestSupport", "AuthHelper"]),
    Layer(
        name: "Reactor", imports: ["Syscalls", "CSyscalls"], testSupport: ["TestSupport", "ReactorConformance"]),
    Layer(
        name: "ReactorConformance", imports: ["Syscalls", "Reactor"],
        testSupport: ["TestSupport", "SelectBackend", "ReactorConformanceHelper"]),
    Layer(
        name: "KqueueEmulation", imports: ["Syscalls", "CSyscalls", "Reactor"],
        testSupport: ["TestSupport", "ReactorConformance", "KqueueHelper"]),
    Layer(
        name: "AsyncFraming", imports: ["Syscalls", "Framing", "Reactor"],
        testSupport: ["FDPassing", "TestSupport", "AsyncFramingHelper"]),
    Layer(name: "BinaryCoding"),
    Layer(
        name: "MessageCoding", imports: ["Syscalls", "FDPassing", "Framing", "BinaryCoding"],
        testSupport: ["TestSupport", "MessageCodingHelper"]),
    Layer(
        name: "ProcessRoles", imports: ["Syscalls"],
        testSupport: ["TestSupport", "ProcessTestSupport", "ProcessRolesHelper"]),
    Layer(
        name: "ResourceTracker", imports: ["Syscalls", "FDPassing", "ProcessRoles"],
        testSupport: ["TestSupport", "ProcessTestSupport", "ResourceTrackerHelper"]),
    Layer(
        name: "ForkServer",
        imports: [
            "Syscalls", "FDPassing", "Framing", "Auth", "Reactor", "AsyncFraming", "BinaryCoding", "ProcessRoles",
            "ResourceTracker",
        ],
        testSupport: [
            "TestSupport", "ProcessTestSupport", "ForkServerTestPrograms", "ForkServerHost", "ForkServerAsyncHost",
        ]),
    Layer(
        name: "Pool",
        imports: [
            "Syscalls", "FDPassing", "Framing", "Reactor", "AsyncFraming", "BinaryCoding", "ProcessRoles", "ForkServer",
        ],
        testSupport: [
            "ResourceTracker", "TestSupport", "ProcessTestSupport", "ForkServerTestPrograms", "ForkServerHost",
            "ForkServerAsyncHost",
        ]),
]

/// What forkbench's peers in Python run, by the ends of the files' names.
let peerScripts = ["", "_connections", "_forkserver", "_pools", "_tracker", "_warm"]

let tools: [Target] = [
    // It depends on the floors' executable, so that both are built together and lie beside each other.
    .executableTarget(
        name: "forkbench",
        dependencies: layers.filter { !$0.isC }.map { .byName(name: $0.name) } + ["ForkbenchCore", "forkbench-floor"],
        path: "Tools/forkbench",
        resources: peerScripts.map { .embedInCode("Peers/forkbench_peer\($0).py") },
        swiftSettings: swiftSettings),
    // What of it needs no process: statistics, reports, the description of its command line.
    .target(name: "ForkbenchCore", path: "Tools/forkbench-core", swiftSettings: swiftSettings),
    .testTarget(
        name: "ForkbenchTests", dependencies: ["ForkbenchCore", "forkbench", "Syscalls", "TestSupport"],
        path: "Tests/ForkbenchTests", swiftSettings: swiftSettings),
    // For io_uring, which the C library does not wrap.
    .executableTarget(
        name: "forkbench-floor", dependencies: ["CSyscalls"], path: "Tools/forkbench-floor", cSettings: cSettings),
]

/// What tests share, and the processes that they start: a test runner has many threads and must not fork.
let testSupport: [Target] = [
    supportLibrary("TestSupport", ["Syscalls"]),
    supportLibrary("ProcessTestSupport", ["Syscalls", "TestSupport"]),
    supportLibrary(
        "ForkServerTestPrograms",
        [
            "Syscalls", "FDPassing", "ResourceTracker", "ForkServer", "Pool", "TestSupport", "ProcessTestSupport",
            "DeniedCalls",
        ]),
    supportProgram("SyscallsHelper", ["Syscalls"]),
    supportProgram("FDPassingHelper", ["Syscalls", "FDPassing"]),
    supportProgram("FramingHelper", ["Syscalls", "FDPassing", "Framing"]),
    supportProgram("AuthHelper", ["Syscalls", "Framing", "Auth"]),
    supportProgram("AsyncFramingHelper", ["Syscalls", "Framing", "Reactor", "AsyncFraming"]),
    supportProgram("MessageCodingHelper", ["Syscalls", "FDPassing", "Framing", "MessageCoding"]),
    supportProgram("KqueueHelper", ["Syscalls", "Reactor", "KqueueEmulation", "ReactorConformance"]),
    supportLibrary("SelectBackend", ["Syscalls", "Reactor"]),
    .target(name: "DeniedCalls", path: "Tests/Support/DeniedCalls", cSettings: cSettings),
    supportProgram(
        "ReactorConformanceHelper", ["Syscalls", "Reactor", "ReactorConformance", "SelectBackend", "DeniedCalls"]),
    supportProgram("ProcessRolesHelper", ["Syscalls", "ProcessRoles", "ProcessTestSupport"]),
    supportProgram("ResourceTrackerHelper", ["Syscalls", "ResourceTracker", "ProcessTestSupport"]),
    supportProgram(
        "ForkServerHost",
        [
            "Syscalls", "FDPassing", "Reactor", "KqueueEmulation", "SelectBackend", "ResourceTracker", "ForkServer",
            "Pool", "ForkServerTestPrograms", "ProcessTestSupport",
        ]),
    supportProgram(
        "ForkServerAsyncHost",
        [
            "Syscalls", "FDPassing", "ResourceTracker", "ForkServer", "Pool", "ForkServerTestPrograms",
            "ProcessTestSupport",
        ]),
]

/// Every layer that others speak too, and forkbench's peer, against the implementations in Python.
let interoperability: [Target] = [
    .testTarget(
        name: "InteropTests",
        dependencies: [
            "Syscalls", "FDPassing", "Framing", "Auth", "AsyncFraming", "TestSupport", "ProcessTestSupport",
            "forkbench",
        ],
        path: "Tests/InteropTests", swiftSettings: swiftSettings)
]

func supportLibrary(_ name: String, _ imports: [String]) -> Target {
    .target(
        name: name, dependencies: imports.map { .byName(name: $0) }, path: "Tests/Support/\(name)",
        swiftSettings: swiftSettings)
}

func supportProgram(_ name: String, _ imports: [String]) -> Target {
    .executableTarget(
        name: name, dependencies: (imports + ["TestSupport"]).map { .byName(name: $0) }, path: "Tests/Support/\(name)",
        swiftSettings: swiftSettings)
}

let package = Package(
    name: "swift-forkserver",
    platforms: [.macOS("26.0")],
    products: layers.map { .library(name: $0.name, targets: [$0.name]) },
    targets: layers.flatMap(\.targets) + tools + testSupport + interoperability,
    swiftLanguageModes: [.v6]
)
