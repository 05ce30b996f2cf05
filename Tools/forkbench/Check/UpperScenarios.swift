import FDPassing
import ForkServer
import Pool
import Reactor
import ResourceTracker
import Syscalls

/// The layers that bring processes of their own.
let upperScenarios = [
    Scenario(layer: .tracker, name: "the tracker removes a segment and a semaphore with their last reference") {
        let tracker = ResourceTracker()
        let names = try ResourceNames()
        _ = try tracker.createSharedMemory(names.segment, size: 4096)
        _ = try tracker.createSemaphore(names.semaphore, value: 1)
        try expect("they are there until then", names.exist, seen: "neither is")
        try tracker.dropReference(names.segment, .sharedMemory)
        try tracker.dropReference(names.semaphore, .semaphore)
        let status = try tracker.close()
        try expect("the tracker's end", status, is: .exited(0))
        try expect("none is left", !names.exist, seen: "one is")
    },
    Scenario(
        layer: .forkserver, name: "100 children of a preloaded server, with two descriptors each, end as they should"
    ) {
        var options = ForkServer.Options()
        options.preloads = [SetGreeting(text: "from the preload")]
        let server = ForkServer(options)
        defer { server.shutDown() }
        for number in 0..<100 {
            let input = try Pipe()
            let output = try Pipe()
            let child = try server.spawn(
                Answer(
                    code: Int32(number), input: PassedDescriptor(duplicating: input.readEnd.descriptor),
                    output: PassedDescriptor(duplicating: output.writeEnd.descriptor)))
            try input.writeEnd.descriptor.writeAll("number \(number)")
            let status = try child.wait(until: .after(.seconds(20)))
            try expect("child \(number)'s end", status, is: .exited(Int32(number)))
            let said = String(decoding: try output.readEnd.descriptor.read(upTo: 200), as: UTF8.self)
            try expect("what child \(number) says", said, is: "number \(number) from the preload")
        }
    },
    Scenario(layer: .forkserver, name: "a server serves with each backend, the emulated ones too") {
        for backend in ReactorBackends.all {
            var options = ForkServer.Options()
            options.backend = backend.name
            let server = ForkServer(options)
            defer { server.shutDown() }
            let input = try Pipe()
            let output = try Pipe()
            let child = try server.spawn(
                Answer(
                    code: 9, input: PassedDescriptor(duplicating: input.readEnd.descriptor),
                    output: PassedDescriptor(duplicating: output.writeEnd.descriptor)))
            try input.writeEnd.descriptor.writeAll("by \(backend.name)")
            let status = try child.wait(until: .after(.seconds(20)))
            try expect("with \(backend.name) the child's end", status, is: .exited(9))
        }
    },
    Scenario(layer: .pool, name: "1,000 tasks end in a result or in their worker's death while workers are killed") {
        let server = ForkServer()
        defer { server.shutDown() }
        let pool = try Pool(workers: 4, server: server)
        let isDone = Lock(false)
        let killer = try JoinedThread {
            var random = SystemRandomNumberGenerator()
            while !isDone.withLock({ $0 }) {
                if let worker = pool.workerProcessIDs.randomElement(using: &random) { try? worker.send(.kill) }
                Deadline.after(.milliseconds(5)).sleep()
            }
        }
        let results = Array(pool.results(of: (0..<1000).map { SumTo(number: $0) }, chunkSize: .fixed(1)))
        isDone.withLock { $0 = true }
        try killer.join()
        var deaths = 0
        for (number, result) in results.enumerated() {
            do {
                try expect("the sum to \(number)", try result.get(), is: number * (number + 1) / 2)
            } catch PoolError.workerDied(let death) where death.status == .signaled(9, coreDumped: false) {
                deaths += 1
            }
        }
        try expect("ended tasks", results.count, is: 1000)
        try expect("tasks that meet their worker's death", deaths > 0, seen: "none: nothing was checked")
        try expect("the pool works on: the sum to 10", try pool.run(SumTo(number: 10)), is: 55)
        pool.shutDown()
    },
]

/// A preload that children can see the effect of.
struct SetGreeting: Preload {
    let text: String

    func load() {
        Self.greeting.withLock { $0 = text }
    }

    static let greeting = Lock("")
}

/// A child with two descriptors: reads from one, answers on the other.
struct Answer: ChildProgram {
    let code: Int32
    let input: PassedDescriptor
    let output: PassedDescriptor

    func run(in child: ChildContext) throws {
        let question = try input.descriptor?.read(upTo: 100) ?? []
        let greeting = SetGreeting.greeting.withLock { $0 }
        try output.descriptor?.writeAll(question + Array(" \(greeting)".utf8))
        child.exit(code)
    }
}

/// A task that takes long enough to be met by a signal.
struct SumTo: PoolTask {
    let number: Int

    func run(in context: WorkerContext) -> Int {
        var digest: UInt64 = 1
        for step in 0..<200_000 { digest = digest &* 6_364_136_223_846_793_005 &+ UInt64(step) }
        // The loop's result is used, so that it is not optimized away.
        return digest == 0 ? -1 : (0...number).reduce(0, +)
    }
}

/// A segment and a semaphore under names that nobody else has.
struct ResourceNames: Codable {
    let segment: String
    let semaphore: String

    init() throws {
        let suffix = try randomBytes(6).map { String($0, radix: 16) }.joined()
        segment = "/forkbench-\(suffix)"
        semaphore = "/forkbench-\(suffix).sem"
    }

    /// Whether one of the two is there.
    var exist: Bool {
        (try? SharedMemory(opening: segment, readOnly: true)) != nil || (try? NamedSemaphore(opening: semaphore)) != nil
    }
}
