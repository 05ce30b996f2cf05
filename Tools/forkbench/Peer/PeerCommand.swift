import Auth
import ForkbenchCore
import Framing
import Syscalls

extension Command {
    /// Runs a peer until its standard input, or what it is connected to, ends. Returns 1 when something failed.
    func runPeer(_ arguments: [String]) throws -> Int32 {
        if arguments.first == "tracker" { return try PeerTracker(Array(arguments.dropFirst())).run() }
        if arguments.first == "fork-server" { return try runForkServerPeer(Array(arguments.dropFirst())) }
        guard let role = arguments.first.flatMap({ PeerOptions.Role(rawValue: $0) }) else {
            throw UsageError(
                "peer: expected “listen” or “connect”, “tracker” or “fork-server”; see forkbench peer --help")
        }
        let parsed = try Arguments(Array(arguments.dropFirst()), of: Catalogue.named("peer \(role)"))
        let options = try PeerOptions(role, parsed)
        do {
            switch options.role {
            case .listen: try PeerListener(options).run()
            case .connect: try connectPeer(options)
            }
            return 0
        } catch {
            standardErrorLine("forkbench: peer: \(options.role) at \(options.address): \(error)")
            return 1
        }
    }

    private func runForkServerPeer(_ arguments: [String]) throws -> Int32 {
        let peer = try ForkServerPeer(
            Arguments(arguments, of: Catalogue.named("peer fork-server")))
        do {
            try peer.run()
            return 0
        } catch {
            standardErrorLine("forkbench: peer: fork-server: \(error)")
            return 1
        }
    }

    private func connectPeer(_ options: PeerOptions) throws {
        let limit = options.mode.descriptorLimit
        let connection =
            if let authentication = options.authentication {
                try Connection.connect(
                    to: options.address, key: authentication.key, policy: authentication.policy,
                    digest: authentication.digest, descriptorLimit: limit)
            } else {
                try Connection.connect(
                    to: options.address, descriptorLimit: limit, until: .after(defaultHandshakeTimeout))
            }
        try whenStandardInputEnds { connection.close() }
        do throws(FramingError) {
            try options.mode.serve(connection)
        } catch {
            // Closed by the end of standard input, in the middle of something.
            if !connection.isClosed { throw error }
        }
    }
}

/// Runs `body` once standard input has ended, on a thread of its own.
func whenStandardInputEnds(_ body: @escaping @Sendable () -> Void) throws(Errno) {
    try Thread(name: "standard input") {
        // What is written there says nothing, and what cannot be read has ended too.
        while let bytes = try? FileDescriptor.standardInput.read(upTo: 4096), !bytes.isEmpty {}
        body()
    }.detach()
}
