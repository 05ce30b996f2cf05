import Framing
import Reactor
import Syscalls

/// The server's parked children: how many there shall be, and when another is forked.
///
/// They are forked when the server has had nothing to do for a moment, since forking while somebody waits would cost him more
/// than the spare saves; and the first one as soon as the last one was taken or a child has ended, when no request has been read
/// that waits: who has asked once is likely to ask again, and finds it there.
final class Spares {
    /// How long the server must have been idle.
    static let idleTime = Duration.milliseconds(1)
    /// A fork that takes longer than this is worth a process that waits: what a child touches first takes twice as long again.
    private static let slowFork = Duration.microseconds(25)
    private static let automaticCount = 2
    private static let most = 512
    private static let longestPause = Duration.seconds(10)

    private let policy: ForkServer.Spares
    private var parked: [ServerChild] = []
    /// What a fork takes, on a sliding average.
    private(set) var forkTime: Duration?
    /// After the last death.
    private(set) var pause = Duration.zero
    private var earliest: Deadline?

    init(_ policy: ForkServer.Spares) {
        self.policy = policy
    }

    /// How many there are that know all of so many types.
    func readyCount(_ types: Int) -> Int { parked.count { $0.knownTypes == types } }

    /// How many there shall be.
    private var wanted: Int {
        switch policy {
        case .none: 0
        case .fixed(let count): min(max(count, 0), Self.most)
        // One is forked to see what it takes.
        case .automatic: forkTime.map { $0 >= Self.slowFork ? Self.automaticCount : 0 } ?? 1
        }
    }

    /// When to look at the spares again; `nil` when all is as it shall be.
    ///
    /// - Parameters:
    ///   - types: How many types there are that one should know.
    ///   - lastActivity: When the server had something to do last.
    func nextChange(_ types: Int, after lastActivity: Deadline) -> Deadline? {
        if parked.count == wanted, parked.allSatisfy({ $0.knownTypes == types }) { return nil }
        let idle = lastActivity + Self.idleTime
        return earliest.map { max(idle, $0) } ?? idle
    }

    /// One that is not needed any more; `nil` when there is none.
    ///
    /// - Parameter types: How many types there are that one should know.
    func takeUnwanted(_ types: Int) -> ServerChild? {
        if let stale = parked.firstIndex(where: { $0.knownTypes < types }) { return parked.remove(at: stale) }
        return parked.count > wanted ? parked.removeLast() : nil
    }

    var needsAnother: Bool { parked.count < wanted }

    /// Whether there is none, and one may be forked.
    var areMissing: Bool { parked.isEmpty && wanted > 0 && earliest == nil }

    func add(_ child: ServerChild) { parked.append(child) }

    /// The one that has waited longest of those that know a type.
    func take(knowing type: Int) -> ServerChild? {
        parked.firstIndex { $0.knownTypes > type }.map { parked.remove(at: $0) }
    }

    /// One has ended while it was parked: something may be wrong with all of them.
    func hasDied(_ child: ServerChild) {
        parked.removeAll { $0 === child }
        couldNotBeForked()
    }

    /// What is wrong may pass: the next is tried after a pause, which grows.
    func couldNotBeForked() {
        pause = min(max(pause * 2, .milliseconds(10)), Self.longestPause)
        earliest = .after(pause)
    }

    /// One has begun to run.
    func hasServed() {
        pause = .zero
        earliest = nil
    }

    func noteFork(taking time: Duration) { forkTime = forkTime.map { ($0 * 3 + time) / 4 } ?? time }

    /// Ends them all, and waits until they are gone.
    func endAll() {
        for child in parked {
            child.send(.kill)
            _ = try? child.process.wait()
        }
        parked = []
    }
}
