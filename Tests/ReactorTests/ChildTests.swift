import Reactor
import Syscalls
import TestSupport
import Testing

// Testing has one too.
private typealias ExitStatus = Syscalls.ExitStatus

@Suite("Ends of child processes")
struct ChildTests {
    private let bench = Workbench()

    /// A child that ends when it reads the end of its input.
    private func start(_ script: String) throws -> (child: ProcessID, input: End) {
        let pipe = try Pipe()
        var options = SpawnOptions(arguments: ["sh", "-c", "read line; \(script)"])
        options.descriptors = [0: pipe.readEnd.descriptor, 2: .standardError]
        let child = try ProcessID.spawn("/bin/sh", options)
        return (child, End(pipe.writeEnd))
    }

    @Test("a child's exit code or signal is told once it has ended, and it is reaped", arguments: Backend.all)
    func statuses(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let scripts: [(String, ExitStatus)] = [
            ("exit 0", .exited(0)), ("exit 7", .exited(7)), ("exit 255", .exited(255)),
            ("kill -KILL $$", .signaled(9, coreDumped: false)), ("kill -TERM $$", .signaled(15, coreDumped: false)),
        ]
        for (script, expected) in scripts {
            let (child, input) = try start(script)
            var statuses: [ExitStatus] = []
            try reactor.addChild(child) { statuses.append($0) }
            try reactor.look()
            #expect(statuses == [])
            input.close()
            try reactor.run { !statuses.isEmpty }
            try reactor.look()
            #expect(statuses == [expected])
            #expect(throws: Errno.noChildProcess) { try child.wait() }
        }
        #expect(reactor.readers == [])
    }

    @Test("several children are each told of with their own status", arguments: Backend.all)
    func several(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        var statuses: [ProcessID: ExitStatus] = [:]
        var expected: [ProcessID: ExitStatus] = [:]
        var inputs: [End] = []
        for code in 1...20 {
            let (child, input) = try start("exit \(code)")
            try reactor.addChild(child) { statuses[child] = $0 }
            expected[child] = .exited(CInt(code))
            inputs.append(input)
        }
        #expect(statuses == [:])
        for input in inputs.reversed() { input.close() }
        try reactor.run { statuses.count == 20 }
        #expect(statuses == expected)
    }

    @Test("a child that had ended before it was added is told of", arguments: Backend.all)
    func endedBefore(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let (child, input) = try start("exit 3")
        input.close()
        try waitForEnd(of: child)
        var status: ExitStatus?
        try reactor.addChild(child) { status = $0 }
        #expect(status == nil)
        try reactor.run { status != nil }
        #expect(status == .exited(3))
    }

    @Test("a child that was removed is left to be reaped by somebody else", arguments: Backend.all)
    func removed(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let (child, input) = try start("exit 4")
        try reactor.addChild(child) { _ in Issue.record("it was told of") }
        reactor.removeChild(child)
        reactor.removeChild(child)
        input.close()
        try waitForEnd(of: child)
        try reactor.look()
        #expect(try child.wait() == .exited(4))
        #expect(reactor.readers == [])
    }

    @Test("a child may be removed by the handler of another whose end is told with its own", arguments: Backend.all)
    func removedInHandler(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
        #expect(told.count == 1)
        let left = children.first { $0 != told.first }
        #expect(try left?.wait() == .exited(0))
    }

    @Test("a process that is not there is an error, and nothing is watched", arguments: Backend.all)
    func unknown(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        // Beyond any number that the kernel gives out.
        #expect(throws: Errno.noSuchProcess) {
            try reactor.addChild(ProcessID(rawValue: .max)) { _ in Issue.record("it was told of") }
        }
        for process in [ProcessID(rawValue: 0), ProcessID(rawValue: -1)] {
            #expect(throws: Errno.self) { try reactor.addChild(process) { _ in Issue.record("it was told of") } }
        }
        reactor.removeChild(ProcessID(rawValue: .max))
        #expect(reactor.readers == [])
        try reactor.look()
    }

    @Test("a child that is added again has its end told to the new handler alone", arguments: Backend.all)
    func addedAgain(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let (child, input) = try start("exit 5")
        try reactor.addChild(child) { _ in Issue.record("the old handler was told") }
        var status: ExitStatus?
        try reactor.addChild(child) { status = $0 }
        try reactor.look()
        input.close()
        try reactor.run { status != nil }
        #expect(status == .exited(5))
        #expect(reactor.readers == [])
    }

    #if os(Linux)
        @Test("a child is watched by a descriptor of it that its starter had opened", arguments: Backend.all)
        func ownDescriptor(backend: Backend) throws {
            let reactor = try bench.reactor(backend)
            let (child, input) = try start("exit 8")
            var status: ExitStatus?
            try reactor.addChild(child, try ProcessDescriptor(of: child)) { _ in
                Issue.record("the old handler was told")
            }
            try reactor.addChild(child, try ProcessDescriptor(of: child)) { status = $0 }
            input.close()
            try reactor.run { status != nil }
            #expect(status == .exited(8))
            #expect(reactor.readers == [])
        }
    #endif

    @Test(
        "a child that somebody else reaped is told of, with its status where the kernel keeps it",
        arguments: Backend.all)
    func reapedByOther(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let (child, input) = try start("exit 6")
        var status: ExitStatus?
        try reactor.addChild(child) { status = $0 }
        input.close()
        #expect(try child.wait() == .exited(6))
        try reactor.run { status != nil }
        #expect([.exited(6), .unknown].contains(status))
    }

    @Test("the handler of a child's end may start and add the next", arguments: Backend.all)
    func chain(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        var statuses: [ExitStatus] = []
        func startNext() throws {
            let (child, input) = try start("exit \(statuses.count)")
            try reactor.addChild(child) { status in
                statuses.append(status)
                if statuses.count == 5 { return }
                do { try startNext() } catch { Issue.record(error) }
            }
            input.close()
        }
        try startNext()
        try reactor.run { statuses.count == 5 }
        #expect(statuses == (0..<5).map { .exited($0) })
    }

    private func waitForEnd(of child: ProcessID) throws {
        #if os(Linux)
            #expect(try ProcessDescriptor(of: child).waitForEnd(until: .generous))
        #endif
    }
}
