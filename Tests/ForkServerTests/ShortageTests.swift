import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Without room for descriptors", .timeLimit(.minutes(10))) struct ShortageTests {
    @Test(
        "a server at its limit of open files refuses a child to the one who asks, and goes on with those that there are",
        arguments: [ForkServer.Spares.none, .fixed(2)])
    func server(spares: ForkServer.Spares) throws {
        let limit = ResourceLimit(soft: 64, hard: 64)
        try withServer(
            hosted {
                $0.resourceLimits = [.openFiles: limit]
                $0.spares = spares
            }
        ) { server in
            try server.start()
            let process = server.processID
            for _ in 0..<2 {
                var group = WaitingChildren()
                var children: [ChildProcess] = []
                while children.count < 64 {
                    do {
                        children.append(try group.start(server, code: CInt(children.count)))
                    } catch ForkServerError.forkFailed(let error) {
                        #expect(error == .tooManyOpenFiles)
                        break
                    }
                }
                #expect((5..<32).contains(children.count))
                #expect(try server.statistics()?.childrenRunning == children.count)
                #expect(children.allSatisfy { $0.isRunning })
                group.letGo()
                for (code, child) in children.enumerated() {
                    #expect(try child.wait(until: .generous) == .exited(CInt(code)))
                }
                #expect(try server.spawn(Leave(code: 3), until: .generous).wait(until: .generous) == .exited(3))
            }
            #expect(server.processID == process)
        }
    }

    @Test("without free descriptors a spawn is an error, and works again when there are some")
    func client() throws {
        #expect(try runHelper("ForkServerHost", ["exhausted"]).status == .exited(0))
    }

    @Test("a child whose descriptor finds no room in its client, which could not hold it, ends")
    func unheldChild() throws {
        #expect(try runHelper("ForkServerHost", ["unheld"]) == .success)
    }
}
