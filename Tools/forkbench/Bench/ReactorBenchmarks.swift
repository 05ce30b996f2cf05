import Reactor
import Syscalls

let reactorBenchmarks = ReactorBackends.all.flatMap { backend in
    let isEmulated = isEmulated(backend)
    let name = "reactor.\(backend.name)\(isEmulated ? "-emulated" : "")"
    // What is emulated has no call of its own: its floor is that of the call it is emulated over.
    let floor = isEmulated ? "epoll" : backend.name
    return [
        Benchmark(
            name: "\(name).ping", layer: .reactor, summary: "per hop of a token passed round 64 pipes",
            isEmulated: isEmulated, placement: .together, floor: loopFloor(floor, idle: 0)
        ) { _ in try tokenRing(backend, idle: 0) },
        Benchmark(
            name: "\(name).idle10k", layer: .reactor, summary: "the same beside 10,000 idle descriptors",
            isEmulated: isEmulated, placement: .together, floor: loopFloor(floor, idle: 10_000)
        ) { _ in try tokenRing(backend, idle: 10_000) },
    ]
}

private let pipeCount = 64
private let hopCount = 640

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
        try reactor.addReader(readEnd) { [unowned ring] _ in ring.pass(from: readEnd, to: next) }
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

private final class Ring {
    var hopsLeft = 0
    var failure: Errno?
    #if os(Linux)
        var idle: [KeptCounter] = []
    #endif
    private let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)

    deinit { byte.deallocate() }

    func pass(from readEnd: FileDescriptor, to writeEnd: FileDescriptor) {
        do throws(Errno) {
            _ = try readEnd.read(into: byte)
        } catch {
            failure = error
        }
        hopsLeft -= 1
        if hopsLeft > 0 { pass(to: writeEnd) }
    }

    func pass(to writeEnd: FileDescriptor) {
        do throws(Errno) {
            _ = try writeEnd.write(UnsafeRawBufferPointer(byte))
        } catch {
            failure = error
            hopsLeft = 0
        }
    }
}

#if os(Linux)
    private final class KeptCounter {
        private let counter: EventCounter

        init(_ counter: consuming EventCounter) { self.counter = counter }

        var descriptor: FileDescriptor { counter.owned.descriptor }
    }
#endif
