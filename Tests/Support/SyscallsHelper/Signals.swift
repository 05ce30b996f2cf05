import Glibc
import Syscalls
import TestSupport

/// Dispositions, masks and signal descriptors are the process's own.
let signalCommands: HelperCommands = [
    // The handler set in a scope, and what was there before.
    "signal-dispositions": {
        try Signal.user1.ignore()
        let ignored = try Signal.user1.disposition()
        try Signal.user1.setHandler(countSignal)
        try ProcessID.current.send(.user1)
        checkEqual(receivedSignals, 1)
        try ignored.restore()
        try ProcessID.current.send(.user1)
        checkEqual(receivedSignals, 1)
        let child = try forkChild {
            try Signal.user1.restoreDefault()
            try ProcessID.current.send(.user1)
        }
        checkEqual(try child.wait(), .signaled(SIGUSR1, coreDumped: false))
        checkThrows(Errno.invalidArgument) { try Signal.kill.ignore() }
    },
    "handler-in-scope": {
        try Signal.user1.ignore()
        let result = try Signal.user1.withHandler(countSignal) {
            try ProcessID.current.send(.user1)
            checkEqual(receivedSignals, 1)
            // Scopes within each other, each ending with what was there before it.
            try Signal.user1.withHandler(countOtherSignal) { try ProcessID.current.send(.user1) }
            checkEqual(receivedSignals, 1)
            checkEqual(otherReceivedSignals, 1)
            try ProcessID.current.send(.user1)
            return receivedSignals
        }
        checkEqual(result, 2)
        try ProcessID.current.send(.user1)
        checkThrows(Errno.ioError) {
            try Signal.user1.withHandler(countSignal) {
                try ProcessID.current.send(.user1)
                throw Errno.ioError
            }
        }
        try ProcessID.current.send(.user1)
        checkEqual(receivedSignals, 3)
        // And where it had its default effect it has it again.
        let child = try forkChild {
            try Signal.user2.restoreDefault()
            Signal.user2.withHandler(countSignal) {}
            try ProcessID.current.send(.user2)
        }
        checkEqual(try child.wait(), .signaled(SIGUSR2, coreDumped: false))
    },
    "blocked-signals-wait": {
        try Signal.user1.setHandler(countSignal)
        try ([.user1] as SignalSet).whileBlocked {
            try ProcessID.current.send(.user1)
            checkEqual(receivedSignals, 0)
        }
        checkEqual(receivedSignals, 1)
    },
    "signal-descriptor": {
        ([.user1, .user2, .child] as SignalSet).setAsMask()
        let descriptor = try SignalDescriptor([.user1, .child])
        check(try descriptor.descriptor.isCloseOnExec(), "it is not close-on-exec")
        check(try descriptor.take() == nil, "there is a signal before one was sent")
        checkEqual(try descriptor.descriptor.wait(for: .readable, until: .now), [])
        try ProcessID.current.send(.user1)
        // Not of the set: it stays pending for others.
        try ProcessID.current.send(.user2)
        checkEqual(try descriptor.descriptor.wait(for: .readable, until: .now), .readable)
        var received = try descriptor.take()
        checkEqual(received?.signal, .user1)
        checkEqual(received?.sender, .current)
        check(try descriptor.take() == nil, "there is another signal")
        let parent = ProcessID.current
        let child = try forkChild { try parent.send(.user1) }
        checkEqual(try descriptor.descriptor.wait(for: .readable, until: .generous), .readable)
        received = try descriptor.take()
        checkEqual(received?.signal, .user1)
        checkEqual(received?.sender, child)
        // The child's end is a signal too.
        checkEqual(try descriptor.descriptor.wait(for: .readable, until: .generous), .readable)
        received = try descriptor.take()
        checkEqual(received?.signal, .child)
        checkEqual(received?.sender, child)
        try checkSucceeds(child)
        let other = try SignalDescriptor([.user2])
        checkEqual(try other.take()?.signal, .user2)
    },
]

// Touched only by this process's one thread, and by its handler.
nonisolated(unsafe) private var receivedSignals = 0
nonisolated(unsafe) private var otherReceivedSignals = 0
private func countSignal(_ signal: CInt) { receivedSignals += 1 }
private func countOtherSignal(_ signal: CInt) { otherReceivedSignals += 1 }
