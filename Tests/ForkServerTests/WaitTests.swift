import FDPassing
import ForkServer
import ForkServerTestPrograms
import Framing
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

@Suite("Waiting for children", .timeLimit(.minutes(10))) struct WaitTests {
    @Test("many threads and tasks wait for one child at once, and all learn the same")
    func manyWaiters() async throws {
        try await withServerInTask { server async throws in
            var waiting = try WaitingChild(startedBy: server, code: 9)
            let child = waiting.child
            try await withThrowingTaskGroup(of: Syscalls.ExitStatus.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await child.wait() }
                    group.addTask { try await blocking { try child.wait(until: .generous) } }
                }
                #expect(child.isRunning)
                waiting.letGo()
                var count = 0
                for try await status in group {
                    #expect(status == .exited(9))
                    count += 1
                }
                #expect(count == 8)
            }
        }
    }

    @Test("a cancelled wait ends with CancellationError, and neither the child nor other waits notice")
    func cancelledWait() async throws {
        try await withServerInTask { server async throws in
            var waiting = try WaitingChild(startedBy: server, code: 2)
            let child = waiting.child
            let cancelled = Task { try await child.wait() }
            let other = Task { try await child.wait() }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            #expect(child.isRunning)
            waiting.letGo()
            #expect(try await other.value == .exited(2))
            #expect(try await child.wait() == .exited(2))
        }
    }

    @Test("a deadline that passes is .timedOut, and later waits go on")
    func timeout() throws {
        try withServer { server in
            var waiting = try WaitingChild(of: server, code: 8)
            for deadline in [Deadline.now, .after(.milliseconds(20))] {
                #expect {
                    try waiting.child.wait(until: deadline)
                } throws: { error in
                    if case ForkServerError.timedOut = error { true } else { false }
                }
            }
            #expect(waiting.child.exitStatus == nil)
            #expect(waiting.child.isRunning)
            waiting.letGo()
            #expect(try waiting.child.wait(until: .generous) == .exited(8))
            #expect(waiting.child.exitStatus == .exited(8))
            #expect(!waiting.child.isRunning)
        }
    }

    @Test("a child is waited for beside connections, and is ready when it has ended")
    func waitable() throws {
        try withServer { server in
            var first = try WaitingChild(of: server, code: 3)
            var second = try WaitingChild(of: server, code: 4)
            let (connection, peer) = try Connection.pipe()
            let things: [any Waitable] = [first.child, connection, second.child]
            #expect(try Framing.wait(for: things, until: .now) == [])
            #expect(try Framing.wait(for: things, until: .after(.milliseconds(20))) == [])
            second.letGo()
            #expect(try Framing.wait(for: things, until: .generous) == [2])
            #expect(try second.child.wait(until: .generous) == .exited(4))
            // Also once its status is known.
            #expect(try Framing.wait(for: things, until: .generous) == [2])
            try peer.send([1])
            #expect(try Framing.wait(for: things, until: .generous) == [1, 2])
            #expect(first.child.isRunning)
            try first.child.kill()
            #expect(try Framing.wait(for: [first.child], until: .generous) == [0])
            #expect(try first.child.wait(until: .generous) == .signaled(Signal.kill.rawValue, coreDumped: false))
            first.letGo()
        }
    }

    @Test("signals reach a child that runs, and are said not to reach one that has ended")
    func signals() throws {
        try withServer { server in
            for signal in [Signal.terminate, .kill, .user1] {
                let waiting = try WaitingChild(of: server)
                #expect(try waiting.child.send(signal))
                let status = try waiting.child.wait(until: .generous)
                #expect(status == .signaled(signal.rawValue, coreDumped: false))
                #expect(try !waiting.child.send(signal))
                #expect(try !waiting.child.terminate())
                #expect(try !waiting.child.kill())
            }
        }
    }

    @Test("a spawn that a hung server does not answer is .timedOut, and the server goes on afterwards")
    func spawnTimeout() throws {
        try withServer { server in
            try server.start()
            let process = try #require(server.processID)
            try process.send(.stop)
            #expect {
                try server.spawn(Leave(), until: .after(.milliseconds(50)))
            } throws: { error in
                if case ForkServerError.timedOut = error { true } else { false }
            }
            try process.send(.resume)
            #expect(try server.spawn(Leave(code: 6), until: .generous).wait(until: .generous) == .exited(6))
            #expect(server.processID == process)
        }
    }

    @Test("the order in which children end is not the order in which they are waited for")
    func anyOrder() throws {
        try withServer { server in
            var first = try WaitingChild(of: server, code: 1)
            var second = try WaitingChild(of: server, code: 2)
            second.letGo()
            #expect(try second.child.wait(until: .generous) == .exited(2))
            #expect(first.child.isRunning)
            first.letGo()
            #expect(try first.child.wait(until: .generous) == .exited(1))
        }
    }

    @Test("letting go of its handle does not end a child")
    func droppedHandle() throws {
        try withServer { server in
            let pipe = try Pipe()
            let process = try server.spawn(Spin(PassedDescriptor(pipe.writeEnd))).processID
            _ = try pipe.readEnd.descriptor.readLine()
            let watched = try WatchedProcess(process)
            #expect(try server.spawn(Leave()).wait(until: .generous) == .exited(0))
            #expect(watched.isRunning)
        }
    }
}
