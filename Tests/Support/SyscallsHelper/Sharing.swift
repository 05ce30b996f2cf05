import Glibc
import Syscalls
import TestSupport

/// The other process of memory and semaphores that are shared.
let sharingCommands: HelperCommands = [
    // Checks that the bytes count up from 0, and writes them back counting down.
    "reverse-memory": {
        let memory = try SharedMemory(opening: CommandLine.arguments[2])
        try reverse(try memory.map())
    },
    "reverse-received-memory": {
        let memory = SharedMemory(owning: OwnedFileDescriptor(owning: 3))
        check(memory.isSealedAgainstResizing, "the memory could be cut")
        try reverse(try memory.map())
    },
    // Takes one of the first semaphore for each that it adds to the second.
    "relay-semaphore": {
        let source = try NamedSemaphore(opening: CommandLine.arguments[2])
        let target = try NamedSemaphore(opening: CommandLine.arguments[3])
        for _ in 0..<Int(CommandLine.arguments[4])! {
            try source.wait(until: .generous)
            try target.post()
        }
    },
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
    "blocked-signals-wait": {
        try Signal.user1.setHandler(countSignal)
        try ([.user1] as SignalSet).whileBlocked {
            try ProcessID.current.send(.user1)
            checkEqual(receivedSignals, 0)
        }
        checkEqual(receivedSignals, 1)
    },
    "descriptor-limit": {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        getrlimit(resource, &limit)
        limit.rlim_cur = 64
        setrlimit(resource, &limit)
        try ResourceLimit.raiseOpenFiles()
        getrlimit(resource, &limit)
        check(limit.rlim_cur == limit.rlim_max && limit.rlim_cur > 64, "the limit is \(limit.rlim_cur)")
    },
    "parent-death-signal": {
        // The middle process is gone when its child is hit, so the end is seen from here.
        let alive = try Pipe()
        let middle = try forkChild {
            let ready = try Pipe()
            _ = try forkChild(outlivingParent: true) {
                try setParentDeathSignal(.kill)
                try ready.writeEnd.descriptor.writeAll("x")
                while true { pause() }
            }
            _ = try ready.readEnd.descriptor.readExactly(1)
        }
        let reader = alive.readEnd.descriptor
        try alive.writeEnd.close()
        try checkSucceeds(middle)
        checkEqual(try reader.wait(for: .readable, until: .generous), .hangUp)
    },
    "subreaper": {
        try setChildSubreaper(true)
        let numbers = try Pipe()
        let middle = try forkChild {
            let orphan = try forkChild(outlivingParent: true) { exitImmediately(5) }
            try numbers.writeEnd.descriptor.writeAll("\(orphan)")
        }
        try checkSucceeds(middle)
        let number = String(decoding: try numbers.readEnd.descriptor.read(upTo: 20), as: UTF8.self)
        checkEqual(try ProcessID(rawValue: CInt(number)!).wait(), .exited(5))
    },
    "affinity": {
        try ProcessID.current.setAffinity([0])
        let file = try OwnedFileDescriptor.open("/proc/self/status", .readOnly)
        let status = String(decoding: try file.descriptor.readToEnd(), as: UTF8.self)
        check(status.contains("\nCpus_allowed_list:\t0\n"), status)
        checkThrows(Errno.invalidArgument) { try ProcessID.current.setAffinity([-1]) }
        checkThrows(Errno.invalidArgument) { try ProcessID.current.setAffinity([]) }
    },
]

private func reverse(_ mapping: consuming MemoryMapping) throws {
    mapping.withBytes { bytes in
        for index in bytes.indices {
            checkEqual(bytes[index], UInt8(truncatingIfNeeded: index))
            bytes[index] = UInt8(truncatingIfNeeded: ~index)
        }
    }
}

// Touched only by this process's one thread, and by its handler.
nonisolated(unsafe) private var receivedSignals = 0
private func countSignal(_ signal: CInt) { receivedSignals += 1 }
