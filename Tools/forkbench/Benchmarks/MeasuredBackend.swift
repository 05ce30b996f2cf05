import ForkbenchCore
import Reactor

/// A backend of the reactor, as its benchmarks know it.
struct MeasuredBackend {
    let type: any ReactorBackend.Type

    var isEmulated: Bool { forkbench.isEmulated(type) }

    /// What its benchmarks' names begin with.
    var prefix: String { "reactor.\(type.name)\(isEmulated ? "-emulated" : "")" }

    /// The floor's backend. What is emulated has no call of its own: its floor is that of the call it is emulated over.
    var floor: String { isEmulated ? "epoll" : type.name }

    var goal: Goal? { isEmulated ? nil : .ratio(type.name == "epoll" ? 1.1 : 1.3) }
}

let reactorBenchmarks: [Benchmark] = ReactorBackends.all.map { MeasuredBackend(type: $0) }.flatMap { backend in
    tokenRingBenchmarks(backend) + timerBenchmarks(backend) + wakeUpBenchmarks(backend)
}
