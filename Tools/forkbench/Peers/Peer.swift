import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Another implementation that does the work of our benchmarks: a library of a Python.
struct Peer: Sendable {
    let interpreter: PythonInterpreter
    let library: Library
    let directory: PeerScripts

    enum Library: String, CaseIterable {
        case multiprocessing, billiard, loky

        /// Whether it has something like a work of the peers' script.
        func does(_ work: String) -> Bool {
            switch self {
            case .multiprocessing: true
            // Its connections and its pool are its own; its fork server is an old copy of CPython's.
            case .billiard: ["framing-", "auth-", "pool-"].contains { work.hasPrefix($0) }
            case .loky: work.hasPrefix("pool-")
            }
        }
    }

    /// Such as `cpython-3.11 multiprocessing`.
    var name: String {
        "\(interpreter.name) \(library.rawValue)"
    }

    /// How it is started: path, arguments, environment.
    func command(_ work: [String]) -> (String, [String], [String]) {
        let program = "import sys, forkbench_peer; forkbench_peer.main(sys.argv[1:])"
        let environment = Environment.all.filter { !$0.hasPrefix("PYTHONPATH=") && !$0.hasPrefix("PYTHONDONTWRITE") }
        let path = [directory.path, Environment["PYTHONPATH"]].compactMap(\.self).joined(separator: ":")
        return (
            interpreter.path, ["python", "-c", program, library.rawValue] + work,
            environment + ["PYTHONPATH=\(path)", "PYTHONDONTWRITEBYTECODE=1"]
        )
    }
}

/// The peers of a run, and what is not there of those that were asked for.
struct Peers {
    private(set) var found: [Peer] = []
    private(set) var missing: [(name: String, reason: String)] = []

    /// - Parameter names: Interpreters: names in the search path, or paths.
    init(_ names: [String]) throws {
        guard !names.isEmpty else { return }
        let directory = try PeerScripts()
        for name in names {
            do throws(BenchmarkFailure) {
                let interpreter = try PythonInterpreter(named: name)
                if found.contains(where: { $0.interpreter.name == interpreter.name }) {
                    throw BenchmarkFailure(reason: "it is \(interpreter.name) again")
                }
                for library in Peer.Library.allCases {
                    let peer = Peer(interpreter: interpreter, library: library, directory: directory)
                    if interpreter.libraries.contains(library.rawValue) {
                        found.append(peer)
                    } else {
                        missing.append((peer.name, "\(interpreter.path) cannot import it"))
                    }
                }
            } catch {
                missing.append((name, error.reason))
            }
        }
    }

    /// Those that do a work.
    func able(to work: [String]?) -> [Peer] {
        guard let name = work?.first else { return [] }
        return found.filter { $0.library.does(name) }
    }
}

/// The peers' script in a directory where an interpreter, and the servers that it starts, can import it from.
final class PeerScripts: Sendable {
    let path: String

    private static let files = [
        ("forkbench_peer.py", PackageResources.forkbench_peer_py),
        ("forkbench_peer_connections.py", PackageResources.forkbench_peer_connections_py),
        ("forkbench_peer_forkserver.py", PackageResources.forkbench_peer_forkserver_py),
        ("forkbench_peer_pools.py", PackageResources.forkbench_peer_pools_py),
        ("forkbench_peer_tracker.py", PackageResources.forkbench_peer_tracker_py),
        ("forkbench_peer_warm.py", PackageResources.forkbench_peer_warm_py),
    ]

    init() throws(Errno) {
        path = try createPrivateDirectory(named: "forkbench")
        for (name, bytes) in Self.files {
            let file = try OwnedFileDescriptor.open("\(path)/\(name)", [.writeOnly, .create])
            try file.descriptor.writeAll(bytes)
        }
    }

    deinit {
        for (name, _) in Self.files { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
