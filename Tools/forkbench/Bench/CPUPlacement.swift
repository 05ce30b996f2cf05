import Syscalls

/// The processors for the two sides of a benchmark.
struct CPUPlacement {
    let own: Int?
    let peer: Int?

    init(_ placement: Benchmark.Placement) {
        let allowed = placement == .everywhere ? [] : Self.allowed
        own = allowed.first
        peer = placement == .together ? allowed.first : allowed.dropFirst().first ?? allowed.first
    }

    private static var allowed: [Int] {
        #if os(Linux)
            (try? ProcessID.current.affinity()) ?? []
        #else
            []
        #endif
    }

    /// For people.
    static var description: String {
        guard let own = allowed.first else { return "not pinned" }
        let other = allowed.dropFirst().first ?? own
        return "pinned to processor \(own)" + (other == own ? "" : ", and to \(other) what works meanwhile")
    }
}
