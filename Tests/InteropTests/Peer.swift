import Syscalls
import TestSupport

/// A Python implementation of the protocols, and the interpreter that runs it.
struct Peer: Sendable, CustomStringConvertible {
    let description: String
    /// The package that has `connection` and `reduction`.
    let package: String
    /// Where the package is; empty for the interpreter's own.
    let directory: String
    let interpreter: String
    /// Whether its challenges are those of CPython up to 3.11: MD5, without a name.
    let isLegacy: Bool
    /// Whether it knows the header of messages over 2 GiB.
    let knowsLongHeaders: Bool

    /// Starts a script, which finds the package and its directory as its first arguments.
    func start(
        _ script: String, _ arguments: [String], descriptors: [CInt: FileDescriptor]
    ) throws -> HelperProcess {
        // -I: whatever the environment says of paths is not the test's business. -S: no site packages, a faster start.
        try HelperProcess(
            executable: interpreter, ["-I", "-S", "-c", script, package, directory] + arguments,
            descriptors: descriptors)
    }
}

// MARK: Those that are there

extension Peer {
    /// The peers to be tested with, and `nil` for each that is not there.
    static let wanted: [(name: String, peer: Peer?)] =
        ["3.6", "3.8", "3.11", "3.12", "3.13"].map { version in
            ("CPython \(version)", Python(version: version).map(Peer.init(_:)))
        } + [("billiard", billiard)]

    static let installed: [Peer] = {
        let missing = Peer.missing
        if !missing.isEmpty {
            let names = missing.joined(separator: ", ")
            try? FileDescriptor.standardError.writeAll("InteropTests: not tested, because not installed: \(names)\n")
        }
        return wanted.compactMap(\.peer)
    }()

    static let missing = wanted.filter { $0.peer == nil }.map(\.name)

    static let modern = installed.filter { !$0.isLegacy }

    /// Whether a peer that is not there is a failure: where `INTEROP` is `required`.
    static let areRequired = Environment["INTEROP"] == "required"

    private init(_ python: Python) {
        description = python.description
        package = "multiprocessing"
        directory = ""
        interpreter = python.path
        isLegacy = ["3.6", "3.8", "3.11"].contains(python.version)
        knowsLongHeaders = python.version != "3.6"
    }

    /// billiard in the directory that `INTEROP_BILLIARD` names, or where some Python finds it by itself.
    private static let billiard: Peer? = {
        // The search path's python3 may be a script that starts another: that one is wanted.
        let question = """
            import os, sys
            sys.path[:0] = sys.argv[1:]
            import billiard
            print(sys.executable, os.path.dirname(os.path.dirname(os.path.abspath(billiard.__file__))), sep="\\n")
            """
        let arguments = ["-c", question] + [Environment["INTEROP_BILLIARD"]].compactMap(\.self)
        let commands =
            [["/usr/bin/env", "python3"]]
            + ["3.13", "3.12", "3.11", "3.8"].compactMap { Python(version: $0) }.map { [$0.path] }
        for command in commands {
            guard var asking = try? HelperProcess(executable: command[0], command.dropFirst() + arguments),
                let answer = try? asking.waitForOutcome(), answer.status == .exited(0)
            else { continue }
            let lines = answer.output.split(separator: "\n").map(String.init)
            return Peer(
                description: "billiard", package: "billiard", directory: lines[1], interpreter: lines[0],
                isLegacy: true, knowsLongHeaders: false)
        }
        return nil
    }()
}
