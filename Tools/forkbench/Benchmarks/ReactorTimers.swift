import ForkbenchCore
import Reactor
import Syscalls

private let timerCount = 100_000

/// What a timer costs that never goes off.
func timerBenchmarks(_ backend: MeasuredBackend) -> [Benchmark] {
    [
        Benchmark(
            name: "\(backend.prefix).timers100k", layer: .reactor, summary: "per timer of 100,000, added and cancelled",
            isEmulated: backend.isEmulated, placement: .together,
            floor: ["timers", "--backend", backend.floor, "--count", "\(timerCount)"]
        ) { [type = backend.type] _ in try timers(type) }
    ]
}

/// Adds timers to be due within the hour and cancels them in another order; the loop looks once in between.
private func timers(_ backend: any ReactorBackend.Type) throws -> () throws -> UInt64 {
    let reactor = try Reactor(backend: backend)
    let delays = (0..<timerCount).map { _ in Duration.milliseconds(Int.random(in: 1000..<3_601_000)) }
    let order = (0..<timerCount).shuffled()
    let handler = {}
    var added: [TimerID] = []
    added.reserveCapacity(timerCount)
    return {
        try nanoseconds {
            for delay in delays { added.append(reactor.addTimer(after: delay, handler)) }
            try reactor.runOnce(timeout: .zero)
            for index in order { reactor.cancelTimer(added[index]) }
            added.removeAll(keepingCapacity: true)
        } / UInt64(timerCount)
    }
}
