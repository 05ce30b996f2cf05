/// A layer, as it is called on the command line.
package enum Layer: String, CaseIterable, Sendable {
    case syscalls, fdpass, framing, auth, reactor, tracker, forkserver, pool

    package static let names = allCases.map(\.rawValue).joined(separator: " ")

    /// The module's name.
    package var module: String {
        switch self {
        case .syscalls: "Syscalls"
        case .fdpass: "FDPassing"
        case .framing: "Framing"
        case .auth: "Auth"
        case .reactor: "Reactor"
        case .tracker: "ResourceTracker"
        case .forkserver: "ForkServer"
        case .pool: "Pool"
        }
    }
}
