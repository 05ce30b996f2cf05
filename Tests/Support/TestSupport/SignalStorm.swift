import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a call that blocks until its peer acts, while a timer's signal interrupts it every 200 µs.
///
/// The peer, a forked child, acts after 200 interruptions at the earliest, so the call has surely met them. Only for
/// helpers, which have one thread.
public func underSignalStorm<Result: ~Copyable>(
    peer: () throws -> Void, line: Int = #line, call: () throws -> Result
) throws -> Result {
    let gate = try Pipe()
    let child = try forkChild {
        _ = try gate.readEnd.descriptor.readExactly(1)
        try peer()
    }
    stormGate = gate.writeEnd.descriptor.rawValue
    let result = try whileStorming(call)
    check(stormTicks >= ticksBeforePeer, "the call was interrupted only \(stormTicks) times", line: line)
    try checkSucceeds(child, line: line)
    return result
}

/// Runs a call while a timer's signal interrupts it every 200 µs.
public func whileStorming<Result: ~Copyable>(_ call: () throws -> Result) throws -> Result {
    stormTicks = 0
    let disposition = try Signal.alarm.disposition()
    try Signal.alarm.setHandler(countTick)
    defer {
        setTimer(0)
        try? disposition.restore()
        stormGate = -1
    }
    setTimer(200)
    return try call()
}

/// How often the last storm's signal came.
public var stormTickCount: Int { stormTicks }

private let ticksBeforePeer = 200
// Touched by a signal handler of the process's only thread, and by that thread while no timer runs.
nonisolated(unsafe) private var stormTicks = 0
nonisolated(unsafe) private var stormGate: CInt = -1

private func countTick(_ signal: CInt) {
    stormTicks += 1
    if stormTicks == ticksBeforePeer, stormGate >= 0 { _ = write(stormGate, "!", 1) }
}

private func setTimer(_ microseconds: Int) {
    let interval = timeval(tv_sec: 0, tv_usec: suseconds_t(microseconds))
    var timer = itimerval(it_interval: interval, it_value: interval)
    setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
}
