import Reactor
import ReactorConformance
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("A thread that runs a reactor", .timeLimit(.minutes(10)))
struct ReactorThreadTests {
    @Test("jobs run in order, on one thread, which is not the scheduler's", arguments: Backend.all)
    func schedule(backend: Backend) async throws {
        let thread = try ReactorThread(name: "reactor test", backend: backend.type)
        defer { thread.stop() }
        let ran = Lock<[Int]>([])
        for index in 0..<1000 { thread.schedule { _ in ran.withLock { $0.append(index) } } }
        let there = await threadNumber(of: thread)
        #expect(ran.withLock { $0 } == Array(0..<1000))
        #expect(await threadNumber(of: thread) == there)
        #expect(currentThreadNumber() != there)
        let name = await withCheckedContinuation { continuation in
            thread.schedule { continuation.resume(returning: $0.backendName) }
        }
        #expect(name == backend.type.name)
    }

    @Test("jobs that jobs schedule run, by themselves and among those of other threads", arguments: Backend.all)
    func nestedJobs(backend: Backend) async throws {
        let thread = try ReactorThread(name: "reactor test", backend: backend.type)
        let others = Lock(0)
        // With nobody else to wake the thread.
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            schedule(1000, on: thread) { continuation.resume() }
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            schedule(1000, on: thread) { continuation.resume() }
            for _ in 0..<1000 { thread.schedule { _ in others.withLock { $0 += 1 } } }
        }
        thread.stop()
        #expect(others.withLock { $0 } == 1000)
    }

    /// So many jobs, each of which schedules the next.
    private func schedule(_ count: Int, on thread: ReactorThread, _ done: @escaping @Sendable () -> Void) {
        thread.schedule { _ in
            if count == 1 { done() } else { schedule(count - 1, on: thread, done) }
        }
    }

    @Test("stop ends the thread after the jobs scheduled before, and waits for its end", arguments: Backend.all)
    func stop(backend: Backend) throws {
        let name = try uniqueThreadName()
        let thread = try ReactorThread(name: name, backend: backend.type)
        let count = Counter()
        let isGone = Latch()
        thread.schedule { reactor in
            let watch = OpenOnRelease(isGone)
            reactor.addTimer(after: .seconds(3600)) { watch.touch() }
        }
        for _ in 0..<1000 { thread.schedule { _ in count.add() } }
        thread.stop()
        #expect(count.value == 1000)
        // What it watched went with it.
        isGone.wait()
        #if os(Linux)
            #expect(try !ProcessID.current.threadNames().contains(name))
        #endif
        thread.stop()
        thread.schedule { _ in Issue.record("a job ran after the end") }
    }

    @Test("a thread can stop itself", arguments: Backend.all)
    func stopItself(backend: Backend) throws {
        let thread = try ReactorThread(name: "reactor test", backend: backend.type)
        let isGone = Latch()
        thread.schedule { reactor in
            let watch = OpenOnRelease(isGone)
            reactor.addTimer(after: .seconds(3600)) { watch.touch() }
            thread.stop()
        }
        isGone.wait()
        thread.stop()
    }

    @Test("a backend that cannot start is an error")
    func failingBackend() throws {
        #expect(throws: Errno.tooManyOpenFiles) {
            try ReactorThread(name: "reactor test", backend: FailingBackend.self)
        }
        #expect(throws: Errno.tooManyOpenFiles) { try Reactor(backend: FailingBackend.self) }
    }

    @Test("the shared one is there for everybody, and is one")
    func shared() async {
        let first = await threadNumber(of: .shared)
        #expect(await threadNumber(of: .shared) == first)
    }

    @Test("async code that prefers the thread runs on it, before and after each wait", arguments: Backend.all)
    func taskExecutor(backend: Backend) async throws {
        let thread = try ReactorThread(name: "reactor test", backend: backend.type)
        defer { thread.stop() }
        let there = await threadNumber(of: thread)
        let sockets = try SocketPair()
        let (near, far) = (sockets.first.descriptor, sockets.second.descriptor)
        let numbers = try await withTaskExecutorPreference(thread) {
            var numbers = [currentThreadNumber()]
            await Task.yield()
            numbers.append(currentThreadNumber())
            try await thread.waitUntilWritable(near)
            numbers.append(currentThreadNumber())
            try far.writeAll("x")
            try await thread.waitUntilReadable(near)
            numbers.append(currentThreadNumber())
            async let child = currentThreadNumber()
            numbers.append(await child)
            await withTaskGroup(of: UInt.self) { group in
                for _ in 0..<10 { group.addTask { currentThreadNumber() } }
                for await number in group { numbers.append(number) }
            }
            return numbers
        }
        #expect(numbers.count == 15)
        #expect(Set(numbers) == [there])
        #expect(currentThreadNumber() != there)
    }

    @Test("async code and the reactor's events take turns on the thread", arguments: Backend.all)
    func turns(backend: Backend) async throws {
        let thread = try ReactorThread(name: "reactor test", backend: backend.type)
        defer { thread.stop() }
        let calls = Lock(0)
        thread.schedule { reactor in
            reactor.addTimer(after: .zero, repeating: .nanoseconds(1)) { calls.withLock { $0 += 1 } }
        }
        await withTaskExecutorPreference(thread) {
            // A task that never waits for anything: it ends only because timers run in between.
            while calls.withLock({ $0 }) < 100 { await Task.yield() }
        }
    }
}

/// The kernel's or the C library's name for the calling thread.
private func currentThreadNumber() -> UInt {
    #if canImport(Glibc)
        UInt(pthread_self())
    #else
        UInt(bitPattern: pthread_self())
    #endif
}

private func threadNumber(of thread: ReactorThread) async -> UInt {
    await withCheckedContinuation { continuation in
        thread.schedule { _ in continuation.resume(returning: currentThreadNumber()) }
    }
}

/// A name that no other thread has, as long as the kernel keeps it.
private func uniqueThreadName() throws -> String {
    String(try randomName().prefix(15))
}

/// What a backend does where the kernel has no more descriptors to give.
private final class FailingBackend: ReactorBackend {
    static var name: String { "failing" }

    init() throws(Errno) { throw .tooManyOpenFiles }

    func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) {}
    func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) {}
    func deregister(_ descriptor: FileDescriptor) {}
    func wait(timeout: Duration?, into events: inout [ReadinessEvent]) {}
    func recreate() {}
}

/// Opens a latch when the last reference to it goes.
private final class OpenOnRelease {
    private let latch: Latch

    init(_ latch: Latch) {
        self.latch = latch
    }

    func touch() {}

    deinit {
        latch.open()
    }
}
