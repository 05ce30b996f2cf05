import ForkbenchCore
import Reactor
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

private let wakeUpCount = 100

/// Another thread's job, until it has answered.
func wakeUpBenchmarks(_ backend: MeasuredBackend) -> [Benchmark] {
    [
        Benchmark(
            name: "\(backend.prefix).wakeup", layer: .reactor, summary: "another thread's job, until it has answered",
            isEmulated: backend.isEmulated, placement: .together,
            floor: ["wakeup", "--backend", backend.floor, "--repeat", "\(wakeUpCount)"]
        ) { [type = backend.type] _ in try wakeUps(type) }
    ]
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
