import ForkbenchCore
import Reactor
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

let reactorBenchmarks = ReactorBackends.all.flatMap { backend in
    let isEmulated = isEmulated(backend)
    let name = "reactor.\(backend.name)\(isEmulated ? "-emulated" : "")"
    // What is emulated has no call of its own: its floor is that of the call it is emulated over.
    let floor = isEmulated ? "epoll" : backend.name
    let goal: Goal? = isEmulated ? nil : .ratio(backend.name == "epoll" ? 1.1 : 1.3)
    return [
        Benchmark(
            name: "\(name).ping", layer: .reactor, summary: "per hop of a token passed round 64 pipes",
            goal: goal, isEmulated: isEmulated, placement: .together, floor: loopFloor(floor, idle: 0)
        ) { _ in try tokenRing(backend, idle: 0) },
        Benchmark(
            name: "\(name).idle10k", layer: .reactor, summary: "the same beside 10,000 idle descriptors",
            goal: goal, isEmulated: isEmulated, placement: .together, floor: loopFloor(floor, idle: 10_000)
        ) { _ in try tokenRing(backend, idle: 10_000) },
        Benchmark(
            name: "\(name).timers100k", layer: .reactor, summary: "per timer of 100,000, added and cancelled",
            isEmulated: isEmulated, placement: .together,
            floor: ["timers", "--backend", floor, "--count", "\(timerCount)"]
        ) { _ in try timers(backend) },
        Benchmark(
            name: "\(name).wakeup", layer: .reactor, summary: "another thread's job, until it has answered",
            isEmulated: isEmulated, placement: .together,
            floor: ["wakeup", "--backend", floor, "--repeat", "\(wakeUpCount)"]
        ) { _ in try wakeUps(backend) },
    ]
        + [10, 100, 1000, 10_000].map { idle in
            Benchmark(
                name: "\(name).idle.\(idle)", layer: .reactor, summary: "a hop beside so many idle descriptors",
                isEmulated: isEmulated, plot: PlotPoint(.idleDescriptors, line: backend.name, at: idle),
                placement: .together, floor: loopFloor(floor, idle: idle)
            ) { _ in try tokenRing(backend, idle: idle) }
        }
}

private let pipeCount = 64
private let hopCount = 640
private let timerCount = 100_000
private let wakeUpCount = 100

private func loopFloor(_ backend: String, idle: Int) -> [String] {
    ["loop", "--backend", backend, "--descriptors", "\(pipeCount)", "--idle", "\(idle)", "--hops", "\(hopCount)"]
}

/// Passes a byte round pipes: each handler reads it from its own and writes it to the next.
private func tokenRing(_ backend: any ReactorBackend.Type, idle: Int) throws -> () throws -> UInt64 {
    if idle > 0 { try ResourceLimit.raiseOpenFiles() }
    let reactor = try Reactor(backend: backend)
    let pipes = try (0..<pipeCount).map { _ in KeptPipe(try Pipe()) }
    let ring = Ring()
    for (index, pipe) in pipes.enumerated() {
        let readEnd = pipe.readEnd
        let next = pipes[(index + 1) % pipeCount].writeEnd
        try reactor.addReader(readEnd) { _ in ring.pass(from: readEnd, to: next) }
    }
    #if os(Linux)
        for _ in 0..<idle {
            let counter = KeptCounter(try EventCounter())
            ring.idle.append(counter)
            try reactor.addReader(counter.descriptor) { _ in }
        }
    #endif
    return {
        ring.hopsLeft = hopCount
        return try nanoseconds {
            ring.pass(to: pipes[0].writeEnd)
            while ring.hopsLeft > 0 { try reactor.runOnce() }
            if let failure = ring.failure { throw failure }
        } / UInt64(hopCount)
    }
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

/// Has a reactor's thread answer, and waits for the answer.
private func wakeUps(_ backend: any ReactorBackend.Type) throws -> () throws -> UInt64 {
    let thread = try ReactorThread(name: "reactor", backend: backend)
    let bell = try KeptBell()
    return {
        // The bell and the thread belong to this closure.
        defer { withExtendedLifetime((bell, thread)) {} }
        let (readEnd, writeEnd) = (bell.readEnd.rawValue, bell.writeEnd.rawValue)
        return try nanoseconds {
            for _ in 0..<wakeUpCount {
                thread.schedule { _ in
                    var one: UInt64 = 1
                    _ = write(writeEnd, &one, 8)
                }
                var number: UInt64 = 0
                guard read(readEnd, &number, 8) == 8 else { throw Errno(rawValue: errno) }
            }
        } / UInt64(wakeUpCount)
    }
}

private final class Ring {
    var hopsLeft = 0
    var failure: Errno?
    #if os(Linux)
        var idle: [KeptCounter] = []
    #endif
    private let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)

    deinit { byte.deallocate() }

    // The C library's calls, as in the floor: what is measured is the reactor, and not that our writes raise no SIGPIPE.

    func pass(from readEnd: FileDescriptor, to writeEnd: FileDescriptor) {
        if read(readEnd.rawValue, byte.baseAddress, 1) != 1 { failure = Errno(rawValue: errno) }
        hopsLeft -= 1
        if hopsLeft > 0 { pass(to: writeEnd) }
    }

    func pass(to writeEnd: FileDescriptor) {
        if write(writeEnd.rawValue, byte.baseAddress, 1) != 1 {
            failure = Errno(rawValue: errno)
            hopsLeft = 0
        }
    }
}

/// What the floor's threads wake each other by: an eventfd, or a pipe where there is none.
private final class KeptBell {
    #if os(Linux)
        private let counter: EventCounter
        init() throws(Errno) {
            counter = try EventCounter()
            try counter.descriptor.setBlocking(true)
        }
        var readEnd: FileDescriptor { counter.descriptor }
        var writeEnd: FileDescriptor { counter.descriptor }
    #else
        private let pipe: Pipe
        init() throws(Errno) { pipe = try Pipe() }
        var readEnd: FileDescriptor { pipe.readEnd.descriptor }
        var writeEnd: FileDescriptor { pipe.writeEnd.descriptor }
    #endif
}

#if os(Linux)
    private final class KeptCounter {
        private let counter: EventCounter

        init(_ counter: consuming EventCounter) { self.counter = counter }

        var descriptor: FileDescriptor { counter.owned.descriptor }
    }
#endif
