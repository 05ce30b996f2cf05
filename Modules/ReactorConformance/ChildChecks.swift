import Reactor
import Syscalls

extension ConformanceCheck {
    /// Ends of child processes.
    static let childChecks = [
        ConformanceCheck(
            "a child's exit code or signal is told once it has ended, and it is reaped",
            ChildChecks.statuses),
        ConformanceCheck(
            "several children are each told of with their own status",
            ChildChecks.several),
        ConformanceCheck(
            "a child that had ended before it was added is told of",
            ChildChecks.endedBefore),
        ConformanceCheck(
            "a child that was removed is left to be reaped by somebody else",
            ChildChecks.removed),
        ConformanceCheck(
            "a child may be removed by the handler of another whose end is told with its own",
            ChildChecks.removedInHandler),
        ConformanceCheck(
            "a process that is not there is an error, and nothing is watched",
            ChildChecks.unknown),
        ConformanceCheck(
            "a child that is added again has its end told to the new handler alone",
            ChildChecks.addedAgain),
        ConformanceCheck(
            "a child is watched by a descriptor of it that its starter had opened",
            ChildChecks.ownDescriptor),
        ConformanceCheck(
            "a child that somebody else reaped is told of, with its status where the kernel keeps it",
            ChildChecks.reapedByOther),
        ConformanceCheck(
            "the handler of a child's end may start and add the next",
            ChildChecks.chain),
    ]
}

private enum ChildChecks {

    /// A child that ends when it reads the end of its input.
    private static func start(_ script: String) throws -> (child: ProcessID, input: End) {
        let pipe = try Pipe()
        var options = SpawnOptions(arguments: ["sh", "-c", "read line; \(script)"])
        options.descriptors = [0: pipe.readEnd.descriptor, 2: .standardError]
        let child = try ProcessID.spawn("/bin/sh", options)
        return (child, End(pipe.writeEnd))
    }

    static func statuses(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let scripts: [(String, ExitStatus)] = [
            ("exit 0", .exited(0)), ("exit 7", .exited(7)), ("exit 255", .exited(255)),
            ("kill -KILL $$", .signaled(9, coreDumped: false)), ("kill -TERM $$", .signaled(15, coreDumped: false)),
        ]
        for (script, expected) in scripts {
            let (child, input) = try start(script)
            var statuses: [ExitStatus] = []
            try reactor.addChild(child) { statuses.append($0) }
            try reactor.look()
            bench.expectEqual(statuses, [])
            input.close()
            try reactor.run { !statuses.isEmpty }
            try reactor.look()
            bench.expectEqual(statuses, [expected])
            bench.expect(throws: Errno.noChildProcess) { try child.wait() }
        }
        bench.expectEqual(reactor.readers, [])
    }

    static func several(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var statuses: [ProcessID: ExitStatus] = [:]
        var expected: [ProcessID: ExitStatus] = [:]
        var inputs: [End] = []
        for code in 1...20 {
            let (child, input) = try start("exit \(code)")
            try reactor.addChild(child) { statuses[child] = $0 }
            expected[child] = .exited(CInt(code))
            inputs.append(input)
        }
        bench.expectEqual(statuses, [:])
        for input in inputs.reversed() { input.close() }
        try reactor.run { statuses.count == 20 }
        bench.expectEqual(statuses, expected)
    }

    static func endedBefore(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let (child, input) = try start("exit 3")
        input.close()
        try waitForEnd(of: child)
        var status: ExitStatus?
        try reactor.addChild(child) { status = $0 }
        bench.expectEqual(status, nil)
        try reactor.run { status != nil }
        bench.expectEqual(status, .exited(3))
    }

    static func removed(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let (child, input) = try start("exit 4")
        try reactor.addChild(child) { _ in bench.record("it was told of") }
        reactor.removeChild(child)
        reactor.removeChild(child)
        input.close()
        try waitForEnd(of: child)
        try reactor.look()
        try bench.expectEqual(child.wait(), .exited(4))
        bench.expectEqual(reactor.readers, [])
    }

    static func removedInHandler(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let first = try start("exit 0")
        let second = try start("exit 0")
        let children = [first.child, second.child]
        var told: [ProcessID] = []
        for index in 0...1 {
            try reactor.addChild(children[index]) { _ in
                told.append(children[index])
                reactor.removeChild(children[1 - index])
            }
        }
        first.input.close()
        second.input.close()
        for child in children { try waitForEnd(of: child) }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told.count, 1)
        let left = children.first { $0 != told.first }
        try bench.expectEqual(left?.wait(), .exited(0))
    }

    static func unknown(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        // Beyond any number that the kernel gives out.
        bench.expect(throws: Errno.noSuchProcess) {
            try reactor.addChild(ProcessID(rawValue: .max)) { _ in bench.record("it was told of") }
        }
        for process in [ProcessID(rawValue: 0), ProcessID(rawValue: -1)] {
            bench.expect((try? reactor.addChild(process) { _ in bench.record("it was told of") }) == nil)
        }
        reactor.removeChild(ProcessID(rawValue: .max))
        bench.expectEqual(reactor.readers, [])
        try reactor.look()
    }

    static func addedAgain(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let (child, input) = try start("exit 5")
        try reactor.addChild(child) { _ in bench.record("the old handler was told") }
        var status: ExitStatus?
        try reactor.addChild(child) { status = $0 }
        try reactor.look()
        input.close()
        try reactor.run { status != nil }
        bench.expectEqual(status, .exited(5))
        bench.expectEqual(reactor.readers, [])
    }

    #if os(Linux)
        static func ownDescriptor(_ bench: Workbench) throws {
            let reactor = try bench.reactor()
            let (child, input) = try start("exit 8")
            var status: ExitStatus?
            try reactor.addChild(child, try ProcessDescriptor(of: child)) { _ in
                bench.record("the old handler was told")
            }
            try reactor.addChild(child, try ProcessDescriptor(of: child)) { status = $0 }
            input.close()
            try reactor.run { status != nil }
            bench.expectEqual(status, .exited(8))
            bench.expectEqual(reactor.readers, [])
        }
    #endif

    static func reapedByOther(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let (child, input) = try start("exit 6")
        var status: ExitStatus?
        try reactor.addChild(child) { status = $0 }
        input.close()
        try bench.expectEqual(child.wait(), .exited(6))
        try reactor.run { status != nil }
        bench.expect([.exited(6), .unknown].contains(status))
    }

    static func chain(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        var statuses: [ExitStatus] = []
        func startNext() throws {
            let (child, input) = try start("exit \(statuses.count)")
            try reactor.addChild(child) { status in
                statuses.append(status)
                if statuses.count == 5 { return }
                do { try startNext() } catch { bench.record(error) }
            }
            input.close()
        }
        try startNext()
        try reactor.run { statuses.count == 5 }
        bench.expectEqual(statuses, (0..<5).map { .exited($0) })
    }

    private static func waitForEnd(of child: ProcessID) throws {
        #if os(Linux)
            if try !ProcessDescriptor(of: child).waitForEnd(until: .generous) { throw WaitedTooLong() }
        #endif
    }
}
