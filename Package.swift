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
    var testImports: [String] = []
    var isC = false
}

let layers: [Layer] = [
    Layer(name: "CSyscalls", isC: true),
    Layer(name: "Syscalls", imports: ["CSyscalls"]),
    Layer(name: "FDPassing", imports: ["Syscalls", "CSyscalls"]),
    Layer(name: "Framing", imports: ["Syscalls", "FDPassing"]),
    Layer(name: "Auth", imports: ["Syscalls", "Framing"]),
    Layer(name: "Reactor", imports: ["Syscalls", "CSyscalls"]),
    Layer(name: "AsyncFraming", imports: ["Syscalls", "Framing", "Reactor"]),
    Layer(name: "BinaryCoding"),
    Layer(name: "ProcessRoles", imports: ["Syscalls"]),
    Layer(name: "ResourceTracker", imports: ["Syscalls", "ProcessRoles"]),
    Layer(
        name: "ForkServer",
        imports: [
            "Syscalls", "FDPassing", "Framing", "Auth", "Reactor", "AsyncFraming", "BinaryCoding", "ProcessRoles",
            "ResourceTracker",
        ]),
    Layer(
        name: "Pool",
        imports: [
            "Syscalls", "FDPassing", "Framing", "Reactor", "BinaryCoding", "ProcessRoles", "ForkServer",
        ]),
]

extension Layer {
    var targets: [Target] {
        guard !isC else { return [.target(name: name, path: "Modules/\(name)", cSettings: cSettings)] }
        return [
            .target(
                name: name, dependencies: imports.map { .byName(name: $0) }, path: "Modules/\(name)",
                swiftSettings: swiftSettings)
        ]
    }
}

let tools: [Target] = [
    // It depends on the floors' executable, so that both are built together and lie beside each other.
    .executableTarget(
        name: "forkbench",
        dependencies: layers.filter { !$0.isC }.map { .byName(name: $0.name) } + ["forkbench-floor"],
        path: "Tools/forkbench", swiftSettings: swiftSettings),
    .executableTarget(name: "forkbench-floor", path: "Tools/forkbench-floor", cSettings: cSettings),
]

let package = Package(
    name: "swift-forkserver",
    platforms: [.macOS("26.0")],
    products: layers.map { .library(name: $0.name, targets: [$0.name]) },
    targets: layers.flatMap(\.targets) + tools,
    swiftLanguageModes: [.v6]
)
