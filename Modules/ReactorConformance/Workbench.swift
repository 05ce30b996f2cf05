import Reactor
import Syscalls

/// What a check works with: what it makes is kept until its end, whatever the optimizer thinks of its last use, and taken
/// apart then.
final class Workbench {
    let backend: any ReactorBackend.Type
    private(set) var failures: [String] = []
    private var reactors: [Reactor] = []
    private var ends: [End] = []

    init(_ backend: any ReactorBackend.Type) {
        self.backend = backend
    }

    /// Handlers that hold their reactor, or this, would keep it alive.
    func tearDown() {
        for reactor in reactors { try? reactor.reinitialize(keepingHandlers: false) }
        reactors = []
    }

    // MARK: What checks make

    func makeBackend() throws -> any ReactorBackend { try backend.init() }

    /// What handlers throw that is not expected is the check's failure.
    func reactor() throws -> Reactor {
        let reactor = try Reactor(backend: backend)
        expectEqual(reactor.backendName, backend.name)
        reactor.reportFailure = { [unowned self] in record($0) }
        reactors.append(reactor)
        return reactor
    }

    func pipe() throws -> Channel { keep(try Channel.pipe()) }

    func sockets() throws -> Channel { keep(try Channel.sockets()) }

    func duplicate(of end: End) throws -> End {
        let duplicate = End(try end.descriptor.duplicate())
        ends.append(duplicate)
        return duplicate
    }

    func regularFile() throws -> End {
        let end = try End.regularFile()
        ends.append(end)
        return end
    }

    private func keep(_ channel: Channel) -> Channel {
        ends += [channel.near, channel.far]
        return channel
    }

    // MARK: What they find

    func expect(
        _ condition: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String = "it is not so",
        file: StaticString = #fileID, line: Int = #line
    ) {
        do {
            if try !condition() { fail(what(), file, line) }
        } catch {
            fail("\(error)", file, line)
        }
    }

    func expectEqual<Value: Equatable>(
        _ found: @autoclosure () throws -> Value, _ expected: @autoclosure () throws -> Value,
        file: StaticString = #fileID, line: Int = #line
    ) {
        do {
            let (found, expected) = (try found(), try expected())
            if found != expected { fail("found \(found), expected \(expected)", file, line) }
        } catch {
            fail("\(error)", file, line)
        }
    }

    func expect<Result>(
        throws expected: Errno, file: StaticString = #fileID, line: Int = #line, _ body: () throws -> Result
    ) {
        do {
            _ = try body()
            fail("\(expected) was expected, and nothing thrown", file, line)
        } catch let error as Errno where error == expected {
        } catch {
            fail("\(error) was thrown, \(expected) expected", file, line)
        }
    }

    func record(_ error: any Error, file: StaticString = #fileID, line: Int = #line) { fail("\(error)", file, line) }

    func record(_ problem: String, file: StaticString = #fileID, line: Int = #line) { fail(problem, file, line) }

    private func fail(_ problem: String, _ file: StaticString, _ line: Int) {
        failures.append("\(file):\(line): \(problem)")
    }
}

/// A check waited far longer than it should.
package struct WaitedTooLong: Error {}

extension Deadline {
    /// Far beyond what a step takes, on a busy machine and under a sanitizer too.
    static var generous: Deadline { .after(.seconds(300)) }
}

extension Reactor {
    /// Handles what is ready now, without waiting for more.
    package func look() throws {
        try runOnce(timeout: .zero)
    }

    /// Runs until the condition holds.
    package func run(until condition: () -> Bool) throws {
        let deadline = Deadline.generous
        while !condition() {
            if deadline.hasPassed { throw WaitedTooLong() }
            try runOnce(timeout: deadline.remaining)
        }
    }

    /// Runs until `stop` is called.
    package func runUntilStopped() throws {
        var isLate = false
        let guardian = addTimer(after: .seconds(300)) { [unowned self] in
            isLate = true
            stop()
        }
        defer { cancelTimer(guardian) }
        try run()
        if isLate { throw WaitedTooLong() }
    }
}
