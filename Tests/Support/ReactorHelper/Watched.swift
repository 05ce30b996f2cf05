import Reactor
import Syscalls
import TestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What handlers were told, in order.
final class Events: Sendable {
    private let events = Lock<[String]>([])

    var all: [String] { events.withLock { $0 } }

    func append(_ event: String) {
        events.withLock { $0.append(event) }
    }

    func removeAll() {
        events.withLock { $0 = [] }
    }
}

/// A reactor that watches a pipe, and a gate at which children wait.
final class Watched {
    let reactor: Reactor
    let pipe: Pipe
    let gate: Pipe
    let events = Events()

    init() throws {
        reactor = try makeReactor()
        pipe = try Pipe()
        gate = try Pipe()
        try reactor.addReader(pipe.readEnd.descriptor) { [events] _ in events.append("reader") }
    }

    /// Lets a child go that waits to read a byte of the gate.
    func openGate() throws {
        try gate.writeEnd.descriptor.writeAll("x")
    }

    func run(until event: String) throws {
        let deadline = Deadline.generous
        while !events.all.contains(event) {
            check(!deadline.hasPassed, "\(event) has not come")
            try reactor.runOnce(timeout: deadline.remaining)
        }
    }
}

/// The two ends of a pipe, for an array.
final class Watchable {
    private let pipe: Pipe

    init(_ pipe: consuming Pipe) {
        self.pipe = pipe
    }

    var readEnd: FileDescriptor { pipe.readEnd.descriptor }
    var writeEnd: FileDescriptor { pipe.writeEnd.descriptor }
}

extension FileDescriptor {
    /// Puts another open file under this number. The corresponding C function is `dup2`.
    func becomeDuplicate(of other: FileDescriptor) throws {
        guard dup2(other.rawValue, rawValue) != -1 else { throw Errno(rawValue: errno) }
    }
}
