import ForkServer
import Syscalls

/// What happens in a pool, for those who watch it.
public enum PoolEvent: Sendable {
    /// A worker was started: its place in the pool, and its process.
    case workerStarted(number: Int, ProcessID)
    /// A worker has ended because it was to: it was recycled, or the pool was made smaller or is ending.
    case workerEnded(number: Int, ProcessID)
    /// A worker has died by itself, or was killed.
    case workerDied(number: Int, WorkerDeath)
    /// A worker could not be started.
    case workerNotStarted(number: Int, ForkServerError)
    /// A task was taken: its number, and its type.
    case taskSubmitted(UInt64, type: String)
    /// A task has ended with a result, after so long since it was submitted.
    case taskDone(UInt64, type: String, after: Duration)
    /// A task has ended without a result.
    case taskFailed(UInt64, type: String, any Error)
    /// A task is run again, since its worker died.
    case taskRetried(UInt64, type: String, WorkerDeath)
}

/// What a pool has done so far, and has to do.
public struct PoolStatistics: Hashable, Sendable {
    /// Tasks that wait.
    public var queued = 0
    /// Tasks that workers run.
    public var running = 0
    /// Tasks that have ended with a result.
    public var done = 0
    /// Tasks that have ended without one, cancelled ones not included.
    public var failed = 0
    /// Tasks that were cancelled.
    public var cancelled = 0
    /// How often a task was run again.
    public var retried = 0
    /// Workers that are up.
    public var workers = 0
    /// Workers that were started in the place of one that had ended.
    public var restarts = 0
    /// How long tasks have taken from their submission to their result.
    public var latency = LatencyPercentiles()
}

/// How long something takes: half of the times, nine of ten and ninety-nine of a hundred are no longer than these.
public struct LatencyPercentiles: Hashable, Sendable {
    public var median = Duration.zero
    public var p90 = Duration.zero
    public var p99 = Duration.zero
}

/// Times, counted in classes that are an eighth of their power of two wide: any percentile to within 12 %, in little memory.
struct LatencyHistogram {
    private static let classesPerPower = 8
    private var counts = [Int](repeating: 0, count: 64 * 8)
    private(set) var count = 0

    mutating func add(nanoseconds: UInt64) {
        let nanoseconds = max(8, nanoseconds)
        let power = 63 - nanoseconds.leadingZeroBitCount
        let part = Int(nanoseconds >> UInt64(power - 3)) & (Self.classesPerPower - 1)
        counts[power * Self.classesPerPower + part] += 1
        count += 1
    }

    /// The time that so great a share of all is not above.
    func percentile(_ share: Double) -> Duration {
        var left = Int((Double(count) * share).rounded(.up))
        guard left > 0 else { return .zero }
        for (index, count) in counts.enumerated() {
            left -= count
            if left <= 0 {
                let (power, part) = index.quotientAndRemainder(dividingBy: Self.classesPerPower)
                return .nanoseconds((Int64(Self.classesPerPower + part + 1) << Int64(power)) >> 3)
            }
        }
        return .zero
    }

    var percentiles: LatencyPercentiles {
        LatencyPercentiles(median: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99))
    }
}
