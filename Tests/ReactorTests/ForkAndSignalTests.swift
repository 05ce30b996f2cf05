import TestSupport
import Testing

/// What needs a process of its own, with one thread: forks, and signals that interrupt it.
@Suite("Forks and signals")
struct ForkAndSignalTests {
    @Test(
        "signals that interrupt the wait neither end a run nor have timers run early", arguments: Backend.all,
        ["storm-timers", "storm-reader", "storm-child", "storm-thread"])
    func signals(backend: Backend, command: String) throws {
        #expect(try runHelper("ReactorHelper", [command, backend.type.name]) == .success)
    }

    @Test(
        "a forked process that starts empty has its own reactor, and its parent keeps its own", arguments: Backend.all)
    func startsEmpty(backend: Backend) throws {
        #expect(try runHelper("ReactorHelper", ["fork-empty", backend.type.name]) == .success)
    }

    @Test("a forked process that keeps its handlers is told what its parent is told", arguments: Backend.all)
    func keepsHandlers(backend: Backend) throws {
        #expect(try runHelper("ReactorHelper", ["fork-keeping", backend.type.name]) == .success)
    }

    @Test("parent and child run at the same time and wake only themselves", arguments: Backend.all)
    func bothRun(backend: Backend) throws {
        #expect(try runHelper("ReactorHelper", ["fork-both", backend.type.name]) == .success)
    }

    @Test("a fork in a handler leaves the rest of the events to the parent alone", arguments: Backend.all)
    func forkInHandler(backend: Backend) throws {
        #expect(try runHelper("ReactorHelper", ["fork-in-handler", backend.type.name]) == .success)
    }

    @Test("a fork that never touches its copy of the reactor does the parent no harm", arguments: Backend.all)
    func untouchedCopy(backend: Backend) throws {
        #expect(try runHelper("ReactorHelper", ["fork-untouched", backend.type.name]) == .success)
    }
}
