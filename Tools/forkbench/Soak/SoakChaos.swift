import ForkServer
import Pool
import ResourceTracker
import Syscalls

/// Kills workers, the fork server and the tracker, one after the other, at random moments.
final class SoakChaos: Sendable {
    private let pool: Pool
    private let server: ForkServer
    private let tracker: ResourceTracker
    private let state = Lock(State())

    private struct State {
        var isStopped = false
        var kills: [String: Int] = [:]
    }

    init(_ pool: Pool, _ server: ForkServer, _ tracker: ResourceTracker) {
        self.pool = pool
        self.server = server
        self.tracker = tracker
    }

    func stop() { state.withLock { $0.isStopped = true } }

    var kills: [String: Int] { state.withLock { $0.kills } }

    /// Goes on until it is stopped.
    func run() {
        var random = SystemRandomNumberGenerator()
        while !state.withLock({ $0.isStopped }) {
            Deadline.after(.milliseconds(Int.random(in: 1...60, using: &random))).sleep()
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<3: kill("server", server.processID)
            case 3..<6: kill("tracker", tracker.processID)
            default: kill("worker", pool.workerProcessIDs.randomElement(using: &random))
            }
        }
    }

    private func kill(_ what: String, _ process: ProcessID?) {
        guard let process, (try? process.send(.kill)) != nil else { return }
        state.withLock { $0.kills[what, default: 0] += 1 }
    }
}
