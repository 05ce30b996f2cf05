import Pool
import Syscalls

/// What was submitted, and how each of it ended: exactly once, in a result or an error that is allowed.
final class SoakLedger: Sendable {
    private let state = Lock(State())

    private struct State {
        var lastNumber = 0
        /// Since when those that have not ended are under way.
        var open: [Int: Deadline] = [:]
        /// Those that may run more than once, or not at all.
        var results = 0
        var errors: [String: Int] = [:]
        /// Numbers of those that must have run exactly once, since their result came, and of those that may not run twice.
        var once: Set<Int> = []
        var mayRepeat: Set<Int> = []
        var latencies: [Double] = []
        var breaches: [String] = []
    }

    /// The number of a new task.
    func begin() -> Int {
        state.withLock { state in
            state.lastNumber += 1
            state.open[state.lastNumber] = .now
            return state.lastNumber
        }
    }

    func end(_ number: Int, _ kind: SoakKind, result isResult: Bool, error: String? = nil) {
        state.withLock { state in
            guard let start = state.open.removeValue(forKey: number) else {
                state.breaches.append("task \(number) (\(kind)) ended twice")
                return
            }
            let (seconds, attoseconds) = (Deadline.now - start).components
            if state.latencies.count < 1_000_000 {
                state.latencies.append(Double(seconds) * 1e3 + Double(attoseconds) / 1e15)
            }
            if isResult {
                state.results += 1
                if kind != .retried { state.once.insert(number) }
            } else {
                state.errors[error ?? "?", default: 0] += 1
            }
            if kind == .retried { state.mayRepeat.insert(number) }
        }
    }

    func breach(_ what: String) {
        state.withLock { $0.breaches.append(what) }
    }

    /// Notes those that have been under way for so long that nobody would believe they end.
    func checkForHangs(longerThan limit: Duration) {
        state.withLock { state in
            for (number, start) in state.open where .now - start > limit {
                state.open[number] = nil
                state.breaches.append("task \(number) has not ended for \(limit)")
            }
        }
    }

    /// Compares with what the workers have noted.
    func compare(_ journal: [UInt8]) {
        var runs: [Int: Int] = [:]
        for offset in stride(from: 0, to: journal.count - 7, by: 8) {
            let number = journal.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: offset, as: Int64.self)) }
            runs[number, default: 0] += 1
        }
        state.withLock { state in
            for number in state.once where runs[number] != 1 {
                state.breaches.append("task \(number) has a result, and was run \(runs[number] ?? 0) times")
            }
            for (number, count) in runs where count > 1 && !state.mayRepeat.contains(number) {
                state.breaches.append("task \(number) was run \(count) times, and may be once")
            }
        }
    }

    struct Figures {
        let ended: Int
        let results: Int
        let open: Int
        let errors: [String: Int]
        let breaches: [String]
        /// Milliseconds: half of the tasks, 99 of a hundred, and all took no longer.
        let percentiles: (median: Double, p99: Double, most: Double)
    }

    var figures: Figures {
        state.withLock { state in
            let sorted = state.latencies.sorted()
            let at = { (share: Double) in
                sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
            }
            return Figures(
                ended: state.results + state.errors.values.reduce(0, +), results: state.results, open: state.open.count,
                errors: state.errors, breaches: state.breaches, percentiles: (at(0.5), at(0.99), sorted.last ?? 0))
        }
    }

    /// Forgets the times of those so far, for the next line's percentiles.
    func forgetTimes() {
        state.withLock { $0.latencies = [] }
    }
}
