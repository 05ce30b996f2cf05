import Framing
import Reactor
import Syscalls

/// The server's parked children: how many there shall be, and when another is forked.
///
/// They are forked when the server has had nothing to do for a moment, since forking while somebody waits would cost him more
/// than the spare saves.
final class Spares {
    /// How long the server must have been idle.
    static let idleTime = Duration.milliseconds(1)
    /// A fork that takes longer than this is worth a process that waits: what a child touches first takes twice as long again.
    private static let slowFork = Duration.microseconds(25)
    private static let automaticCount = 2
    private static let longestPause = Duration.seconds(10)

    private let policy: ForkServer.Spares
    private var parked: [ServerChild] = []
    /// What a child forked now knows that those of earlier generations do not: types that were met since.
    private(set) var generation = 0
    /// What a fork takes, on a sliding average.
    private(set) var forkTime: Duration?
    private var pause = Duration.zero

    init(_ policy: ForkServer.Spares) {
        self.policy = policy
    }

    var count: Int { parked.count }

    /// How many there shall be.
    private var wanted: Int {
        switch policy {
        case .none: 0
        case .fixed(let count): min(count, Claims.capacity / 2)
        // One is forked to see what it takes.
        case .automatic: forkTime.map { $0 >= Self.slowFork ? Self.automaticCount : 0 } ?? 1
        }
    }

    /// When to look at the spares again; `nil` when all is as it shall be.
    var timeToNextChange: Duration? {
        parked.count == wanted && parked.allSatisfy { !isStale($0) } ? nil : max(Self.idleTime, pause)
    }

    /// One that is not needed any more; `nil` when there is none.
    func takeUnwanted() -> ServerChild? {
        if let stale = parked.firstIndex(where: { isStale($0) }) { return parked.remove(at: stale) }
        return parked.count > wanted ? parked.removeLast() : nil
    }

    var needsAnother: Bool { parked.count < wanted }

    func add(_ child: ServerChild) { parked.append(child) }

    /// The one that has waited longest, of the newest generation where possible.
    func take() -> ServerChild? {
        guard !parked.isEmpty else { return nil }
        return parked.remove(at: parked.firstIndex { !isStale($0) } ?? 0)
    }

    /// One has ended while it was parked: something may be wrong with all of them.
    func hasDied(_ child: ServerChild) {
        parked.removeAll { $0 === child }
        pause = min(max(pause * 2, .milliseconds(10)), Self.longestPause)
    }

    /// One has begun to run.
    func hasServed() { pause = .zero }

    func noteFork(taking time: Duration) { forkTime = forkTime.map { ($0 * 3 + time) / 4 } ?? time }

    /// A new type is known: children forked from now on are faster to run it.
    func startGeneration() { generation += 1 }

    /// Ends them all, and waits until they are gone.
    func endAll() {
        for child in parked {
            child.send(.kill)
            _ = try? child.process.wait()
        }
        parked = []
    }

    private func isStale(_ child: ServerChild) -> Bool {
        if case .parked(_, let generation) = child.state { generation != self.generation } else { true }
    }
}
