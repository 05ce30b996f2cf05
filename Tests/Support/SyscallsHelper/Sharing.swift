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
    // Mapped for as long as the value lives.
    "mapping": {
        let memory = try SharedMemory(anonymous: "mapped-here", size: 100)
        checkEqual(try mappingCount("mapped-here"), 0)
        do {
            let mapping = try memory.map()
            checkEqual(try mappingCount("mapped-here"), 1)
            let again = try memory.map(writable: false)
            checkEqual(try mappingCount("mapped-here"), 2)
            checkEqual(mapping.count, again.count)
        }
        checkEqual(try mappingCount("mapped-here"), 0)
        let child = try forkChild {
            var noCore = rlimit()
            setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &noCore)
            try Signal.segmentationFault.restoreDefault()
            try memory.map(writable: false).withMutableSpan { $0.storeBytes(of: 1, as: UInt8.self) }
        }
        checkEqual(try child.wait(), .signaled(SIGSEGV, coreDumped: false))
    },
    // Adds to the counter that it was given, as another process would.
    "add-to-counter": {
        try FileDescriptor(rawValue: 3).writeAll([5, 0, 0, 0, 0, 0, 0, 0])
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

private func mappingCount(_ name: String) throws -> Int {
    let file = try OwnedFileDescriptor.open("/proc/self/maps", .readOnly)
    let text = String(decoding: try file.descriptor.readToEnd(), as: UTF8.self)
    return text.split(separator: "\n").count { $0.contains("memfd:\(name)") }
}
