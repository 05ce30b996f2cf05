import FDPassing
import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

private typealias ExitStatus = Syscalls.ExitStatus

@Suite("Many children, and children of children", .timeLimit(.minutes(10))) struct FamilyTests {
    @Test("200 children that live at once: each status is its own")
    func manyAtOnce() throws {
        try withServer { server in
            var group = WaitingChildren()
            let children = try (0..<200 as Range<CInt>).map { code in try group.start(server, code: code) }
            #expect(Set(children.map(\.processID)).count == 200)
            #expect(try server.statistics()?.childrenRunning == 200)
            #expect(children.allSatisfy { $0.isRunning })
            group.letGo()
            for (code, child) in children.enumerated() {
                #expect(try child.wait(until: .generous) == .exited(CInt(code)))
            }
            #expect(try becomesTrue { try server.statistics()!.childrenRunning == 0 })
        }
    }

    @Test(
        "100 children that are terminated as soon as they are started all end by that",
        arguments: [Signal.terminate, .kill])
    func terminatedAtStart(signal: Signal) throws {
        try withServer { server in
            let output = try Pipe()
            let passed = PassedDescriptor(output.writeEnd)
            let children = try (0..<100).map { _ in
                let child = try server.spawn(Spin(passed), until: .generous)
                try child.send(signal)
                return child
            }
            for child in children {
                #expect(try child.wait(until: .generous) == .signaled(signal.rawValue, coreDumped: false))
            }
        }
    }

    @Test("children of children of children are forked by the one server, and each learns how the next one ended")
    func descendants() throws {
        try withServer { server in
            try server.start()
            let output = try Pipe()
            let passed = PassedDescriptor(output.writeEnd)
            let first = try server.spawn(
                SpawnDescendants(10, of: try #require(server.processID), output: passed), until: .generous)
            #expect(try first.wait(until: .generous) == .exited(10))
            passed.take()?.discard()
            #expect(try output.readEnd.descriptor.readText() == "the last")
        }
    }

    @Test("with a child that is killed go its descendants, of every generation")
    func killedAncestor() throws {
        try withServer(hosted { $0.gracePeriod = .milliseconds(100) }) { server in
            let first = try server.spawn(SpawnHoldingDescendants(3), until: .generous)
            let text = String(decoding: try first.connection.receive(until: .generous), as: UTF8.self)
            let descendants = try text.split(separator: " ").map {
                try WatchedProcess(ProcessID(rawValue: try #require(Int32($0))))
            }
            #expect(descendants.count == 3 && descendants.allSatisfy { $0.isRunning })
            try first.kill()
            for descendant in descendants { #expect(try descendant.ends()) }
        }
    }

    @Test("a child uses a pool, whose workers come from the server that has forked it")
    func pool() throws {
        try withServer { server throws in
            #expect(try server.spawn(UsePool(), until: .generous).wait(until: .generous) == .exited(0))
        }
    }

    @Test("a child uses a server of its own")
    func ownServer() throws {
        try withServer { server throws in
            #expect(try server.spawn(UseOwnServer(), until: .generous).wait(until: .generous) == .exited(0))
        }
    }
}
