import FDPassing
import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

private typealias ExitStatus = Syscalls.ExitStatus

@Suite("A server that is disturbed", .timeLimit(.minutes(10))) struct DisturbanceTests {
    @Test("a thread that starts when the server serves already is an error of each child, and harms nobody else")
    func lateThread() throws {
        let options = hosted {
            $0.preloads = [LateThreadPreload()]
            $0.spares = .none
        }
        try withServer(options) { server in
            var waiting = try WaitingChild(of: server, code: 4)
            let process = try #require(server.processID)
            try process.send(.user1)
            #expect(try becomesTrue { try server.statistics()!.threads == threadsOfLoneProcess + 1 })
            for _ in 0..<2 {
                #expect { try server.spawn(Leave(), until: .generous) } throws: { error in
                    guard case ForkServerError.notSingleThreaded(let threads, _) = error else { return false }
                    return threads.count == threadsOfLoneProcess + 1 && "\(error)".contains("must not start threads")
                }
            }
            #expect(server.processID == process)
            waiting.letGo()
            #expect(try waiting.child.wait(until: .generous) == .exited(4))
            try server.reload(hosted())
            #expect(try server.spawn(Leave(code: 5)).wait(until: .generous) == .exited(5))
        }
    }

    @Test(
        "the ends of children that something in the server reaps are learnt all the same",
        arguments: ReapingPreload.Way.allCases)
    func reapedByOthers(way: ReapingPreload.Way) throws {
        try withServer(hosted { $0.preloads = [ReapingPreload(way)] }) { server in
            for code in 0..<20 as Range<CInt> {
                let status = try server.spawn(Leave(code: code), until: .generous).wait(until: .generous)
                #expect(status == (kernelTellsOfOthersChildren ? .exited(code) : .unknown))
            }
            #expect(try becomesTrue { try server.statistics()!.childrenRunning == 0 })
        }
    }

    @Test(
        "a child that ends before it could say that it runs is an error that tells how, each time, and harms nobody else",
        arguments: [ForkServer.Spares.none, .fixed(1)])
    func endedAtStart(spares: ForkServer.Spares) throws {
        let directory = try TemporaryDirectory()
        _ = try directory.create("starts")
        try withServer(
            hosted {
                $0.preloads = [CrashingChildren(log: directory.file("starts"))]
                $0.spares = spares
            }
        ) { server throws in
            for _ in 0..<3 {
                #expect { try server.spawn(Leave(), until: .generous) } throws: { error in
                    guard case ForkServerError.childEndedAtStart(let status) = error else { return false }
                    return status == .signaled(Signal.kill.rawValue, coreDumped: false)
                }
            }
            let process = server.processID
            #expect(try becomesTrue { try server.statistics()!.childrenRunning == 0 })
            #expect(server.processID == process)
        }
    }

    #if os(Linux)
        @Test("children of a server that it knows nothing of may end, and nobody's status is taken for another's")
        func strangers() throws {
            try withServer(
                hosted {
                    $0.preloads = [StrangersPreload()]
                    $0.spares = .none
                }
            ) { server in
                try server.start()
                let process = try #require(server.processID)
                #expect(try becomesTrue { try process.children().filter(\.isZombie).count == 2 })
                var group = WaitingChildren()
                let children = try (0..<10 as Range<CInt>).map { code in try group.start(server, code: code) }
                #expect(try server.statistics()?.childrenRunning == 10)
                group.letGo()
                for (code, child) in children.enumerated() {
                    #expect(try child.wait(until: .generous) == .exited(CInt(code)))
                }
                #expect(server.processID == process)
            }
        }
    #endif

    @Test(
        "a request that makes no sense costs its sender the connection, with a line that says so, and other clients nothing",
        arguments: [[0, 0, 0, 1, 0xff], [0xff, 0xff, 0xff, 0xfe], [0, 0, 0, 2, 1, 0x7a]] as [[UInt8]])
    func garbledRequest(bytes: [UInt8]) throws {
        let errors = try Pipe()
        let output = PassedDescriptor(errors.writeEnd)
        let said = errors.readEnd
        try withServer(hosted { $0.standardError = output }) { server in
            var waiting = try WaitingChild(of: server, code: 4)
            let garbling = try server.spawn(GarbleRequest(bytes), until: .generous)
            #expect(try garbling.wait(until: .generous) == .exited(0))
            let process = server.processID
            #expect(try server.spawn(Leave(code: 3)).wait(until: .generous) == .exited(3))
            #expect(waiting.child.isRunning && server.processID == process)
            waiting.letGo()
            #expect(try waiting.child.wait(until: .generous) == .exited(4))
            server.shutDown()
            output.take()?.discard()
            let text = try said.descriptor.readText()
            #expect(text == "fork server: a message from process \(garbling.processID) is not understood\n")
        }
    }
}

extension ProcessID {
    fileprivate var isZombie: Bool { (try? statusField("State"))?.hasPrefix("Z") == true }
}
