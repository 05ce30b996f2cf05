import Syscalls
import TestSupport
import Testing

@Suite("Signals")
struct SignalTests {
    @Test("a set holds its signals and no others")
    func sets() {
        let set: SignalSet = [.user1, .terminate]
        #expect(set.contains(.user1) && set.contains(.terminate))
        #expect(!set.contains(.user2))
        #expect(SignalSet.all.contains(.user2))
        #expect(!([] as SignalSet).contains(.hangUp))
    }

    @Test("signals are blocked for a scope, and the mask is what it was afterwards, also after an error")
    func scope() throws {
        // On a thread of its own, whose mask is nobody else's business.
        try Background {
            ([] as SignalSet).setAsMask()
            ([.user1] as SignalSet).whileBlocked {
                #expect(SignalSet.blocked.contains(.user1))
                ([.user2] as SignalSet).whileBlocked {
                    #expect(SignalSet.blocked.contains(.user1))
                    #expect(SignalSet.blocked.contains(.user2))
                }
                #expect(SignalSet.blocked.contains(.user1))
                #expect(!SignalSet.blocked.contains(.user2))
            }
            #expect(!SignalSet.blocked.contains(.user1))
            #expect(throws: Errno.ioError) {
                try ([.user1] as SignalSet).whileBlocked { throw Errno.ioError }
            }
            #expect(!SignalSet.blocked.contains(.user1))
            ([.hangUp] as SignalSet).setAsMask()
            #expect(SignalSet.blocked.contains(.hangUp))
        }.get()
    }

    @Test("a signal that comes while it is blocked comes at the end of the scope")
    func pending() throws {
        #expect(try runHelper("SyscallsHelper", ["blocked-signals-wait"]) == .success)
    }

    @Test("what a process does at a signal can be changed and put back")
    func dispositions() throws {
        #expect(try runHelper("SyscallsHelper", ["signal-dispositions"]) == .success)
    }

    @Test("a handler is set for a scope, and what was there before it is there after it, also after an error")
    func handlers() throws {
        #expect(try runHelper("SyscallsHelper", ["handler-in-scope"]) == .success)
    }

    @Test("signals say their names")
    func names() {
        #expect(Signal.kill.description == "SIGKILL")
        #expect(Signal.brokenPipe.description == "SIGPIPE")
        #expect(Signal(rawValue: 42).description == "signal 42")
    }
}
