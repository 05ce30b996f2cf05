import Auth
import ForkbenchCore

/// A mutual handshake.
let handshakeBenchmarks: [Benchmark] = [
    Benchmark(
        name: "auth.handshake", layer: .auth, summary: "a mutual handshake with SHA-256; the floor sends its frames",
        goal: .ratio(1.5), placement: .together, floor: ["handshake"], peer: ["auth-handshake"]
    ) { context in
        let connection = try context.connect(to: .handshake)
        let key = try Counterpart.key()
        return { try nanoseconds { try connection.authenticateAsClient(key: key) } }
    }
]
