import Syscalls

/// Whether workers that die before they have done anything are replaced, and when.
struct RestartPolicy {
    let limit: Pool.RestartLimit
    /// How many have died without having done anything, since a worker last did something.
    private(set) var idleDeaths = 0
    /// When those of them died that were not even up, and workers that could not be started.
    private var failures: [Deadline] = []
    /// Until when no more are started.
    private var restingUntil: Deadline?

    /// The first ones are replaced at once: they may have met with an accident.
    private static let unpunished = 2
    private static let longestPause = Duration.seconds(1)

    init(_ limit: Pool.RestartLimit) {
        self.limit = limit
    }

    /// Notes the death of a worker that was up, and waited for its first task.
    mutating func noteIdleDeath() {
        idleDeaths += 1
    }

    /// Notes that a worker did not come up. Returns whether it was one too many.
    mutating func noteFailure(at time: Deadline = .now) -> Bool {
        idleDeaths += 1
        failures.append(time)
        if failures.count > limit.count { failures.removeFirst() }
        guard failures.count == limit.count, time - failures[0] <= limit.window else { return false }
        restingUntil = time + limit.window
        return true
    }

    /// A worker has done something.
    mutating func noteSuccess() {
        guard idleDeaths > 0 else { return }
        idleDeaths = 0
        failures = []
        restingUntil = nil
    }

    /// Whether the pool has given up for now. The first question after the pause makes a new beginning.
    mutating func hasGivenUp(at time: Deadline = .now) -> Bool {
        guard let until = restingUntil else { return false }
        if time < until { return true }
        noteSuccess()
        return false
    }

    /// How long to wait before the next is started: ever longer, so that workers that die at once do not keep the machine busy.
    var pause: Duration {
        guard idleDeaths > Self.unpunished else { return .zero }
        return min(Self.longestPause, .milliseconds(1 << min(idleDeaths, 10)))
    }
}
