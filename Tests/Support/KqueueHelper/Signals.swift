import Synchronization
import Syscalls
import TestSupport

private func watching(_ signal: Signal, _ flags: KernelEvent.Flags = .add) -> KernelEvent {
    KernelEvent(UInt(signal.rawValue), .signal, flags)
}

/// On Linux a signal is watched only while it is blocked.
private func blockWatched(_ signals: SignalSet) {
    signals.setAsMask()
}

private let handled = Atomic<Int>(0)

let signalCommands: HelperCommands = [
    "signal-count": {
        let realTime = Signal(rawValue: 40)
        blockWatched([.user1, .user2, realTime])
        let kqueue = try TestedKqueue()
        checkEqual(try kqueue.look(watching(.user1), watching(.user2)), [])
        for _ in 1...3 {
            try ProcessID.current.send(.user1)
            checkEqual(try kqueue.look(), [KernelEvent(UInt(Signal.user1.rawValue), .signal, .clear, data: 1)])
            checkEqual(try kqueue.look(), [])
        }
        try ProcessID.current.send(.user1)
        try ProcessID.current.send(.user2)
        checkEqual(try kqueue.look().count, 2)
        checkEqual(try kqueue.look(watching(.user1, .delete)), [])
        try ProcessID.current.send(.user1)
        checkEqual(try kqueue.look(), [])
        #if os(Linux)
            // Of real-time signals each one is kept.
            _ = try kqueue.look(watching(realTime))
            for _ in 1...3 { try ProcessID.current.send(realTime) }
            checkEqual(try kqueue.look().map(\.data), [3])
        #endif
    },
    "signal-ignored": {
        blockWatched([.user1])
        try Signal.user1.ignore()
        let kqueue = try TestedKqueue()
        _ = try kqueue.look(watching(.user1))
        try ProcessID.current.send(.user1)
        checkEqual(try kqueue.look().map(\.data), [1])
    },
    "signal-handled": {
        blockWatched([.user1])
        try Signal.user2.setHandler { _ in handled.add(1, ordering: .relaxed) }
        let kqueue = try TestedKqueue()
        _ = try kqueue.look(watching(.user1), watching(.user2))
        try ProcessID.current.send(.user2)
        checkEqual(handled.load(ordering: .relaxed), 1)
        try ProcessID.current.send(.user1)
        checkEqual(try kqueue.look().map(\.ident), [UInt(Signal.user1.rawValue)])
    },
    "signal-thread": {
        blockWatched([.user1])
        let kqueue = try TestedKqueue()
        let waiter = try Background { try kqueue.next(watching(.user1)) }
        try ProcessID.current.send(.user1)
        checkEqual(try waiter.get().map(\.data), [1])
    },
    "interrupted": {
        let kqueue = try TestedKqueue()
        try whileStorming {
            checkThrows(Errno.interrupted) { try kqueue.next(KernelEvent(1, .user, .add)) }
            checkThrows(Errno.interrupted) {
                try kqueue.next(KernelEvent(2, .timer, [.add, .oneShot], fflags: .seconds, data: 3600))
            }
            // No event is lost to a signal.
            var rounds = 0
            while rounds < 100 {
                _ = try kqueue.look(KernelEvent(1, .user, [.add, .clear], fflags: .trigger))
                rounds += 1
            }
        }
        checkEqual(try kqueue.look(KernelEvent(2, .timer, .delete)), [])
        checkEqual(try kqueue.look(KernelEvent(1, .user, fflags: .trigger)).count, 1)
    },
]
