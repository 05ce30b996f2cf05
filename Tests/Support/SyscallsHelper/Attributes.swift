import Glibc
import Syscalls
import TestSupport

/// What a process can change about itself, and mostly not back.
let attributeCommands: HelperCommands = [
    "resource-limits": {
        for resource in ResourceLimit.Resource.allCases {
            let before = try ResourceLimit.current(resource)
            // In range of every resource: the kernel counts the seconds of one in nanoseconds.
            let limit = ResourceLimit(
                soft: (before.hard ?? (resource == .cpuTime ? 1 << 30 : 1 << 50)) - 1, hard: before.hard)
            try limit.apply(to: resource)
            checkEqual(try ResourceLimit.current(resource), limit)
            checkThrows(Errno.invalidArgument) {
                try ResourceLimit(soft: limit.soft! + 1, hard: limit.soft!).apply(to: resource)
            }
            checkEqual(try ResourceLimit.current(resource), limit)
            // No limit, where it was so.
            try before.apply(to: resource)
            checkEqual(try ResourceLimit.current(resource), before)
        }
    },
    // Each of these is seen to be enforced: a number of another resource would not be.
    "enforced-resource-limits": {
        let directory = try TemporaryDirectory()
        let file = try directory.create("file")
        func limit(_ resource: ResourceLimit.Resource, _ soft: UInt64, _ body: () throws -> Void) throws {
            let before = try ResourceLimit.current(resource)
            try ResourceLimit(soft: soft, hard: before.hard).apply(to: resource)
            try body()
            try before.apply(to: resource)
        }
        try limit(.openFiles, 0) { checkThrows(Errno.tooManyOpenFiles) { try Pipe() } }
        _ = try Pipe()
        try Signal(rawValue: SIGXFSZ).ignore()
        try limit(.fileSize, 10) {
            checkEqual(try file.descriptor.write(pattern(20).span.bytes), 10)
            checkThrows(Errno.fileTooLarge) { try file.descriptor.writeAll("x") }
        }
        try file.descriptor.writeAll("x")
        try limit(.cpuTime, 1) {
            let child = try forkChild {
                try Signal(rawValue: SIGXCPU).restoreDefault()
                while true {}
            }
            checkEqual(try child.wait().returnCode, Int(-SIGXCPU))
        }
    },
    "niceness": {
        let before = try ProcessID.current.niceness()
        let child = try forkChild { while true { pause() } }
        try ProcessID.current.setNiceness(before + 3)
        checkEqual(try ProcessID.current.niceness(), before + 3)
        // The C library's own.
        checkEqual(nice(0), CInt(before + 3))
        checkEqual(try child.niceness(), before)
        try child.setNiceness(before + 5)
        checkEqual(try child.niceness(), before + 5)
        checkEqual(try ProcessID.current.niceness(), before + 3)
        try ProcessID.current.setNiceness(1000)
        checkEqual(try ProcessID.current.niceness(), 19)
        try child.send(.kill)
        _ = try child.wait()
        checkThrows(Errno.noSuchProcess) { try child.niceness() }
        checkThrows(Errno.noSuchProcess) { try child.setNiceness(19) }
    },
    "no-new-privileges": {
        checkEqual(try statusField("NoNewPrivs"), "0")
        try setNoNewPrivileges()
        checkEqual(try statusField("NoNewPrivs"), "1")
        try checkSucceeds(try forkChild { checkEqual(try statusField("NoNewPrivs"), "1") })
    },
    "thread-name": {
        checkEqual(threadName(), "SyscallsHelper")
        setThreadName("short")
        checkEqual(threadName(), "short")
        checkEqual(try statusField("Name"), "short")
        check(try ProcessID.current.threadNames().contains("short"), "it is not among the threads' names")
        setThreadName("sixteen bytes and")
        checkEqual(threadName(), "sixteen bytes a")
        setThreadName("")
        checkEqual(threadName(), "")
    },
    "affinity": {
        let before = try ProcessID.current.affinity()
        check(!before.isEmpty, "there is no processor to run on")
        checkEqual(before, before.sorted())
        let chosen = before.last!
        try ProcessID.current.setAffinity([chosen])
        checkEqual(try ProcessID.current.affinity(), [chosen])
        checkEqual(try statusField("Cpus_allowed_list"), "\(chosen)")
        let child = try forkChild { while true { pause() } }
        checkEqual(try child.affinity(), [chosen])
        try child.setAffinity(before)
        checkEqual(try child.affinity(), before)
        checkEqual(try ProcessID.current.affinity(), [chosen])
        try child.send(.kill)
        _ = try child.wait()
        checkThrows(Errno.noSuchProcess) { try child.affinity() }
        checkThrows(Errno.noSuchProcess) { try child.setAffinity(before) }
        for wrong in [[-1], [], [1_000_000]] {
            checkThrows(Errno.invalidArgument) { try ProcessID.current.setAffinity(wrong) }
        }
    },
    // Memory is the process's own once it is touched, and no longer once it is freed.
    "private-memory": {
        let size = 64 << 20
        // Pages of the program count as well, for as long as no other process runs it: half of the size is beyond that.
        let half = size / 1024 / 2
        let before = try ProcessID.current.privateMemoryKiB()
        let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
        let mapped = try ProcessID.current.privateMemoryKiB()
        check(mapped - before < half, "memory counts before it is touched: \(before), \(mapped)")
        memset(memory, 1, size)
        let touched = try ProcessID.current.privateMemoryKiB()
        check(touched - before > half, "touched memory does not count: \(before), \(touched)")
        // What a child shares with its parent is not the child's own, until it writes to it.
        let pipe = try Pipe()
        let child = try forkChild {
            try pipe.writeEnd.descriptor.writeAll("x")
            while true { pause() }
        }
        _ = try pipe.readEnd.descriptor.readExactly(1)
        check(try child.privateMemoryKiB() < half, "shared memory counts as the child's own")
        try child.send(.kill)
        _ = try child.wait()
        munmap(memory, size)
        check(try ProcessID.current.privateMemoryKiB() < touched - half, "freed memory counts")
    },
    "flush": {
        print("flushed", terminator: "")
        flushStandardStreams()
        exitImmediately(0)
    },
]

/// A line of `/proc/self/status`.
private func statusField(_ name: String) throws -> String? {
    let file = try OwnedFileDescriptor.open("/proc/self/status", .readOnly)
    let lines = String(decoding: try file.descriptor.readToEnd(), as: UTF8.self).split(separator: "\n")
    return lines.first { $0.hasPrefix(name + ":\t") }.map { String($0.dropFirst(name.count + 2)) }
}
