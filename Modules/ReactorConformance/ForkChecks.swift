import Reactor
import Syscalls

extension ConformanceCheck {
    /// A reactor on both sides of a fork.
    static let forkChecks = [
        ConformanceCheck(
            "a forked process that starts empty has its own reactor, and its parent keeps its own",
            ForkChecks.startsEmpty),
        ConformanceCheck(
            "a forked process that keeps its handlers is told what its parent is told",
            ForkChecks.keepsHandlers),
        ConformanceCheck(
            "what cannot be watched again after a fork is told so, and the rest is watched",
            ForkChecks.keepsWhatIsOpen),
        ConformanceCheck(
            "parent and child run at the same time and wake only themselves",
            ForkChecks.bothRun),
        ConformanceCheck(
            "what the child adds, removes and closes does not change what the parent watches",
            ForkChecks.sharedKernelObject),
        ConformanceCheck(
            "a fork in a handler leaves the rest of the events to the parent alone",
            ForkChecks.forkInHandler),
        ConformanceCheck(
            "a fork that never touches its copy of the reactor does the parent no harm",
            ForkChecks.untouchedCopy),
        ConformanceCheck(
            "a child of a child has a reactor of its own too",
            ForkChecks.twice),
    ]
}

/// Forks a child that runs the body and ends with code 0, or prints what has failed and ends with code 1.
func forkChild(_ bench: Workbench, _ body: () throws -> Void) throws -> ProcessID {
    if case .parent(let child) = try forkProcess() { return child }
    do { try body() } catch { bench.record(error) }
    for failure in bench.failures { standardErrorLine("in the child: \(failure)") }
    exitImmediately(bench.failures.isEmpty ? 0 : 1)
}

extension Workbench {
    func expectSuccess(of child: ProcessID, file: StaticString = #fileID, line: Int = #line) {
        expectEqual(try child.wait(), .exited(0), file: file, line: line)
    }
}

/// A pipe at which processes wait until one writes a byte for each.
private final class Gate {
    private let pipe: Pipe

    init() throws {
        pipe = try Pipe()
    }

    func open() throws { try pipe.writeEnd.descriptor.writeAll("x") }
    func pass() throws { _ = try pipe.readEnd.descriptor.readExactly(1) }
}

private enum ForkChecks {
    static func startsEmpty(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        let gate = try Gate()
        let told = Told()
        try reactor.addReader(pipe.near.descriptor) { _ in told.append("reader") }
        try pipe.far.write("x")
        reactor.handle.schedule { _ in told.append("job") }
        reactor.addTimer(after: .zero) { told.append("timer") }
        let sleeper = try forkChild(bench) { try gate.pass() }
        try reactor.addChild(sleeper) { told.append("\($0)") }

        let child = try forkChild(bench) {
            try reactor.reinitialize(keepingHandlers: false)
            bench.expectEqual(reactor.readers + reactor.writers, [])
            // The job's announcement, too, was the parent's.
            try reactor.look()
            reactor.handle.schedule { _ in told.append("own job") }
            try reactor.look()
            bench.expectEqual(told.all, ["own job"])
            let own = try bench.pipe()
            try own.far.write("y")
            try reactor.addReader(own.near.descriptor) { _ in told.append("own reader") }
            try reactor.addReader(pipe.near.descriptor) { _ in told.append("shared reader") }
            try reactor.look()
            bench.expectEqual(told.all.sorted(), ["own job", "own reader", "shared reader"])
            // None of that is the parent's business.
            reactor.removeReader(pipe.near.descriptor)
        }
        bench.expectSuccess(of: child)
        bench.expectEqual(reactor.readers, [pipe.near.descriptor])
        try reactor.look()
        bench.expectEqual(told.all.sorted(), ["job", "reader", "timer"])
        try gate.open()
        try reactor.run { told.all.contains("\(ExitStatus.exited(0))") }
    }

    static func keepsHandlers(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        let sockets = try bench.sockets()
        let told = Told()
        try reactor.addReader(pipe.near.descriptor) { _ in told.append("reader") }
        try reactor.addWriter(sockets.near.descriptor) { _ in told.append("writer") }
        var timer: TimerID?
        timer = reactor.addTimer(after: .zero, repeating: .seconds(3600)) { told.append("timer") }
        let child = try forkChild(bench) {
            try reactor.reinitialize(keepingHandlers: true)
            bench.expectEqual(reactor.readers, [pipe.near.descriptor])
            bench.expectEqual(reactor.writers, [sockets.near.descriptor])
            try reactor.look()
            bench.expectEqual(told.all, ["writer", "timer"])
            try pipe.far.write("x")
            try reactor.look()
            bench.expectEqual(told.all.sorted(), ["reader", "timer", "writer", "writer"])
            reactor.handle.stop()
            try reactor.runUntilStopped()
            reactor.removeAll()
            reactor.cancelTimer(timer!)
        }
        bench.expectSuccess(of: child)
        // The pipe is shared, so what the child wrote is the parent's to read. Its books are its own.
        try reactor.look()
        bench.expectEqual(told.all.sorted(), ["reader", "timer", "writer"])
        bench.expectEqual(reactor.readers, [pipe.near.descriptor])
    }

    static func keepsWhatIsOpen(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let ends = try (0..<5).map { _ in try bench.sockets() }
        let handlers = ends.map { RecordingHandler($0.near) }
        for (sockets, handler) in zip(ends, handlers) {
            try sockets.far.write("x")
            try reactor.addReader(sockets.near.descriptor, handler)
        }
        let child = try forkChild(bench) {
            for index in [0, 3] { ends[index].near.close() }
            try reactor.reinitialize(keepingHandlers: true)
            for _ in 1...2 { try reactor.look() }
            for (index, handler) in handlers.enumerated() {
                if [0, 3].contains(index) {
                    bench.expectEqual(handler.told, ["not read any more"])
                    bench.expectEqual(handler.reasons.map { $0 as? Errno }, [.badFileDescriptor])
                } else {
                    bench.expectEqual(handler.told, ["readable", "readable"])
                }
            }
            bench.expectEqual(reactor.readers.count, 3)
        }
        bench.expectSuccess(of: child)
        try reactor.look()
        bench.expectEqual(handlers.flatMap(\.told), Array(repeating: "readable", count: 5))
    }

    static func bothRun(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let questions = try bench.pipe()
        let answers = try bench.pipe()
        let told = Told()
        let writeEnd = answers.far.descriptor
        let child = try forkChild(bench) {
            try reactor.reinitialize(keepingHandlers: false)
            try reactor.addReader(questions.near.descriptor) { _ in
                _ = try questions.near.descriptor.readExactly(1)
                reactor.handle.schedule { reactor in
                    told.append("child's job")
                    try? writeEnd.writeAll("a")
                    if told.all.count == 100 { reactor.stop() }
                }
            }
            try reactor.runUntilStopped()
        }
        // Each round wakes the child, which wakes itself and answers; the parent gets the answer and nothing else.
        for round in 1...100 {
            try questions.far.write("q")
            var answer = ""
            try reactor.addReader(answers.near.descriptor) { _ in answer = try answers.near.read(upTo: 2) }
            try reactor.runOnce(timeout: .seconds(300))
            bench.expectEqual(answer, "a")
            bench.expectEqual(told.all, Array(repeating: "own job", count: round - 1))
            reactor.handle.schedule { _ in told.append("own job") }
            try reactor.look()
        }
        bench.expectSuccess(of: child)
    }

    static func sharedKernelObject(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pairs = try (0..<10).map { _ in try bench.sockets() }
        var calls = Array(repeating: 0, count: pairs.count)
        for (index, sockets) in pairs.enumerated() {
            try reactor.addReader(sockets.near.descriptor) { _ in
                calls[index] += 1
                _ = try sockets.near.read()
            }
        }
        for keeping in [true, false] {
            let child = try forkChild(bench) {
                try reactor.reinitialize(keepingHandlers: keeping)
                if !keeping {
                    for sockets in pairs { try reactor.addWriter(sockets.near.descriptor) { _ in } }
                    try reactor.look()
                }
                for (index, sockets) in pairs.enumerated() {
                    // Removed and closed, closed alone, or changed: in the child, and there alone.
                    switch index % 3 {
                    case 0:
                        reactor.removeReader(sockets.near.descriptor)
                        reactor.removeWriter(sockets.near.descriptor)
                        sockets.near.close()
                    case 1: sockets.near.close()
                    default: try reactor.addWriter(sockets.near.descriptor) { _ in }
                    }
                }
                reactor.reportFailure = { _ in }
                try reactor.look()
            }
            bench.expectSuccess(of: child)
            let before = calls
            for sockets in pairs { try sockets.far.write("x") }
            for _ in 1...2 { try reactor.look() }
            bench.expectEqual(calls, before.map { $0 + 1 })
        }
    }

    static func forkInHandler(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipes = [try bench.pipe(), try bench.pipe()]
        let quiet = try bench.pipe()
        let told = Told()
        var child: ProcessID?
        for index in 0...1 {
            try pipes[index].far.write("x")
            try reactor.addReader(pipes[index].near.descriptor) { _ in
                told.append("parent")
                guard child == nil else { return reactor.stop() }
                if case .parent(let forked) = try forkProcess() {
                    child = forked
                    return
                }
                // The other's event is still to be delivered; in this process nobody wants it.
                do {
                    try reactor.reinitialize(keepingHandlers: false)
                    for pipe in pipes {
                        try pipe.near.becomeDuplicate(of: quiet.near)
                        try reactor.addReader(pipe.near.descriptor) { _ in
                            standardErrorLine("an event of the parent's was told")
                            exitImmediately(1)
                        }
                    }
                    reactor.addTimer(after: .milliseconds(1)) { exitImmediately(0) }
                } catch {
                    standardErrorLine("in the child: \(error)")
                    exitImmediately(1)
                }
            }
        }
        try reactor.runUntilStopped()
        if let child { bench.expectSuccess(of: child) }
        bench.expectEqual(told.all, ["parent", "parent"])
    }

    static func untouchedCopy(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        let gate = try Gate()
        let told = Told()
        try reactor.addReader(pipe.near.descriptor) { _ in
            told.append("reader")
            _ = try pipe.near.read()
        }
        let child = try forkChild(bench) { try gate.pass() }
        for round in 1...3 {
            try pipe.far.write("x")
            try reactor.run { told.all.count == round }
        }
        // The child's copy keeps the file open, which would keep a kernel interface telling of it.
        reactor.removeReader(pipe.near.descriptor)
        try pipe.far.write("x")
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told.all.count, 3)
        try gate.open()
        bench.expectSuccess(of: child)
    }

    static func twice(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipe = try bench.pipe()
        let told = Told()
        try reactor.addReader(pipe.near.descriptor) { _ in told.append("reader") }
        // As a daemon does it: the process in between ends at once.
        let child = try forkChild(bench) {
            try reactor.reinitialize(keepingHandlers: true)
            let grandchild = try forkChild(bench) {
                try reactor.reinitialize(keepingHandlers: true)
                try pipe.far.write("x")
                try reactor.look()
                bench.expectEqual(told.all, ["reader"])
                reactor.handle.stop()
                try reactor.runUntilStopped()
            }
            bench.expectSuccess(of: grandchild)
        }
        bench.expectSuccess(of: child)
        try reactor.look()
        bench.expectEqual(told.all, ["reader"])
    }
}

/// What handlers were told, in order; jobs too, which have to be sendable.
private final class Told: Sendable {
    private let events = Lock<[String]>([])

    var all: [String] { events.withLock { $0 } }

    func append(_ event: String) {
        events.withLock { $0.append(event) }
    }
}
