import ForkServer
import ForkServerTestPrograms
import ProcessTestSupport
import Syscalls
import TestSupport
import Testing

private typealias ExitStatus = Syscalls.ExitStatus

@Suite("Children that are forked ahead", .timeLimit(.minutes(10)))
struct SpareTests {
    @Test("so many are ready as were asked for, and again after they were used")
    func refilled() throws {
        try withServer(hosted { $0.spares = .fixed(3) }) { server in
            try server.start()
            #expect(try becomesTrue { try server.statistics()!.sparesReady == 3 })
            // The first use of a type makes the spares stale: they are replaced by some that know it.
            for code in 0..<4 as Range<CInt> {
                #expect(try server.spawn(Leave(code: code)).wait(until: .generous) == .exited(code))
            }
            #expect(try becomesTrue { try server.statistics()!.sparesReady == 3 })
            let before = try server.statistics()!.activations
            #expect(try server.spawn(Leave(code: 9)).wait(until: .generous) == .exited(9))
            #expect(try server.statistics()!.activations == before + 1)
        }
    }

    @Test("with none each request is a fork")
    func none() throws {
        try withServer(hosted { $0.spares = .none }) { server in
            for _ in 0..<3 { #expect(try server.spawn(Leave()).wait(until: .generous) == .exited(0)) }
            let statistics = try #require(try server.statistics())
            #expect(statistics.forks == 3 && statistics.activations == 0 && statistics.sparesReady == 0)
            #expect(statistics.threads == 1 && statistics.forkTime > .zero && statistics.waitingRequests == 0)
            #if os(Linux)
                #expect(statistics.residentMemoryKiB > statistics.privateMemoryKiB && statistics.privateMemoryKiB > 0)
            #endif
        }
    }

    @Test("a child that was a spare is like any other", arguments: [ForkServer.Spares.none, .fixed(1)])
    func alike(spares: ForkServer.Spares) throws {
        try withServer(hosted { $0.spares = spares }) { server in
            _ = try describeChild(of: server)
            if spares != .none { #expect(try becomesTrue { try server.statistics()!.sparesReady == 1 }) }
            let facts = try describeChild(of: server)
            #expect(facts["threads"] == "\(threadsOfLoneProcess)")
            #expect(facts["client"] == "\(ProcessID.current)")
            #expect(facts["SigBlk"]?.contains { $0 != "0" } == false)
            let ignored = UInt64(facts["SigIgn"] ?? "", radix: 16) ?? .max
            #expect(ignored & (1 << UInt64(Signal.interrupt.rawValue - 1)) == 0)
            let kinds = facts["kinds"]?.split(separator: " ").map(String.init) ?? []
            #expect(kinds.dropFirst(3).sorted() == ["fifo", "socket", "socket", "socket"])
        }
    }

    @Test("a request is never lost when spares are killed while they wait, or as they are given it")
    func killedSpares() throws {
        try withServer(hosted { $0.spares = .fixed(2) }) { server in
            try server.start()
            let process = try #require(server.processID)
            for round in 0..<100 {
                #expect(try becomesTrue { try server.statistics()!.sparesReady > 0 })
                let spares = try process.children().filter(\.isSpare)
                let killer = try Background {
                    // From before the request is sent until after it is served.
                    Deadline.after(.microseconds(5 * round)).sleep()
                    for spare in spares { try? spare.send(.kill) }
                }
                let code = CInt(round)
                let status: ExitStatus
                do {
                    status = try server.spawn(Leave(code: code), until: .generous).wait(until: .generous)
                } catch ForkServerError.childEndedAtStart(let end) {
                    status = end
                }
                try killer.get()
                // One that had taken the request may be met too, on its way to being an ordinary child.
                #expect(status == .exited(code) || status == .signaled(9, coreDumped: false))
                // One that serves ends the pause after the deaths.
                #expect(try becomesTrue { try server.statistics()!.sparesReady > 0 })
                #expect(try server.spawn(Leave(code: 1), until: .generous).wait(until: .generous) == .exited(1))
            }
            #expect(try becomesTrue { try server.statistics()!.sparesReady == 2 })
        }
    }

    @Test("a spare that is stopped is given up, and its request goes to another")
    func stoppedSpare() throws {
        try withServer(hosted { $0.spares = .fixed(1) }) { server in
            #expect(try server.spawn(Leave()).wait(until: .generous) == .exited(0))
            #expect(try becomesTrue { try server.statistics()!.sparesReady == 1 })
            let process = try #require(server.processID)
            #expect(try becomesTrue { try process.children().contains { $0.isSpare } })
            let spare = try #require(try process.children().first { $0.isSpare })
            try spare.send(.stop)
            #expect(try server.spawn(Leave(code: 4), until: .generous).wait(until: .generous) == .exited(4))
        }
    }

    @Test("an interrupt from the terminal leaves server and spares alone")
    func interrupted() throws {
        try withServer(hosted { $0.spares = .fixed(2) }) { server in
            try server.start()
            let process = try #require(server.processID)
            #expect(try becomesTrue { try server.statistics()!.sparesReady == 2 })
            let spares = try process.children()
            for each in spares + [process] { try each.send(.interrupt) }
            let statistics = try server.statistics()
            #expect(statistics?.sparesReady == 2)
            #expect(try process.children() == spares)
        }
    }

    @Test("spares go with their server, also when it is killed")
    func gone() throws {
        try withServer(hosted { $0.spares = .fixed(2) }) { server in
            try server.start()
            let process = try #require(server.processID)
            #expect(try becomesTrue { try server.statistics()!.sparesReady == 2 })
            let spares = try process.children().map { try WatchedProcess($0) }
            let watched = try WatchedProcess(process)
            try watched.send(.kill)
            #expect(try watched.ends())
            for spare in spares { #expect(try spare.ends()) }
        }
    }
}

extension ProcessID {
    fileprivate var isSpare: Bool { commandName == "spare child" }
}
