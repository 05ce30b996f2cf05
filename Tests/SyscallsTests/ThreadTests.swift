import Syscalls
import TestSupport
import Testing

@Suite("Threads and locks")
struct ThreadTests {
    @Test("a thread runs its body, under its name, with every signal blocked")
    func body() throws {
        let shared = Shared(Lock<(names: [String], isBlocked: Bool)?>(nil))
        let thread = try Thread(name: "a thread with a long name") {
            let names = (try? ProcessID.current.threadNames()) ?? []
            shared.lock.withLock { $0 = (names, SignalSet.blocked.contains(.terminate)) }
        }
        let isCurrent = thread.isCurrent
        #expect(!isCurrent)
        thread.join()
        let result = try #require(shared.lock.withLock { $0 })
        #expect(result.names.contains("a thread with a"))
        #expect(result.isBlocked)
    }

    @Test("starting a thread leaves the starter's signal mask as it was")
    func starterMask() throws {
        try Background {
            ([.user1] as SignalSet).setAsMask()
            try Thread(name: "test") {}.join()
            #expect(SignalSet.blocked.contains(.user1))
            #expect(!SignalSet.blocked.contains(.terminate))
        }.get()
    }

    @Test("a thread that is detached runs on")
    func detached() throws {
        let pipe = try Pipe()
        let number = pipe.writeEnd.take()
        let thread = try Thread(name: "detached") {
            let end = OwnedFileDescriptor(owning: number)
            try? end.descriptor.writeAll("done")
        }
        thread.detach()
        #expect(try pipe.readEnd.descriptor.readToEnd() == Array("done".utf8))
    }

    @Test("a lock lets one thread in at a time")
    func contention() throws {
        let shared = Shared(Lock(0))
        let rounds = 20_000
        let first = try Background { for _ in 0..<rounds { shared.lock.withLock { $0 += 1 } } }
        let second = try Background { for _ in 0..<rounds { shared.lock.withLock { $0 += 1 } } }
        for _ in 0..<rounds { shared.lock.withLock { $0 += 1 } }
        try first.get()
        try second.get()
        #expect(shared.lock.withLock { $0 } == 3 * rounds)
    }

    @Test("a lock is free again after an error, and hands the error out")
    func error() {
        let lock = Lock(1)
        #expect(throws: Errno.ioError) { try lock.withLock { _ throws(Errno) in throw Errno.ioError } }
        #expect(lock.withLock { $0 } == 1)
    }

    @Test("threads that come and go do not disturb counting and naming them")
    func churn() throws {
        for _ in 0..<50 {
            let threads = try Background { try Background {}.get() }
            #expect(try ProcessID.current.threadCount() > 0)
            #expect(try !ProcessID.current.threadNames().isEmpty)
            try threads.get()
        }
    }

    /// A lock for the closures of several threads.
    private final class Shared<Value>: Sendable {
        let lock: Lock<Value>
        init(_ lock: consuming Lock<Value>) { self.lock = lock }
    }
}
