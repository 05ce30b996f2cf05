import DeniedCalls
import ForkServer
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What preloads leave in the server's memory.
public enum PreloadedMemory {
    // Only touched in a fork server and its children, which have one thread.
    nonisolated(unsafe) public internal(set) static var log: [String] = []
    nonisolated(unsafe) fileprivate static var descriptors: [CInt] = []
    nonisolated(unsafe) fileprivate static var crashLog: CInt = -1
}

/// Notes that it was loaded, and by which process.
public struct NoteLoad: Preload {
    let name: String

    public init(_ name: String) {
        self.name = name
    }

    public func load() {
        PreloadedMemory.log.append("\(name)@\(ProcessID.current)")
    }
}

/// Opens a file that every child is to have.
public struct OpenFile: Preload {
    let path: String

    public init(_ path: String) {
        self.path = path
    }

    public func load() throws {
        PreloadedMemory.descriptors.append(try OwnedFileDescriptor.open(path, .readOnly).take())
    }
}

/// Fails.
public struct FailingPreload: Preload {
    public init() {}
    public func load() throws {
        throw TestFailure(text: "the table is missing")
    }
}

/// Traps.
public struct TrappingPreload: Preload {
    public init() {}
    public func load() throws {
        fatalError("as the test wants it")
    }
}

/// Leaves a thread behind.
public struct ThreadStartingPreload: Preload {
    public init() {}
    public func load() throws {
        let named = Latch()
        try Thread(name: "left behind") {
            named.open()
            while true { pause() }
        }.detach()
        named.wait()
    }
}

/// Makes every child of the server write the time and end before it does anything.
public struct CrashingChildren: Preload {
    let path: String

    public init(log path: String) {
        self.path = path
    }

    public func load() throws {
        PreloadedMemory.crashLog = try OwnedFileDescriptor.open(path, [.writeOnly, .append]).take()
        pthread_atfork(nil, nil, crashInChild)
    }
}

/// C only: the child has run nothing else yet.
private func crashInChild() {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    _ = write(PreloadedMemory.crashLog, &time, MemoryLayout<timespec>.size)
    kill(getpid(), SIGKILL)
}

/// A preload that prints without a line's end, and installs an exit handler.
public struct PrintingPreload: Preload {
    public init() {}

    public func load() {
        print("preloaded;", terminator: "")
        atexit { print("the server's handler;", terminator: "") }
    }
}

/// Limits how many descriptors this process can have.
public func limitDescriptors(to count: UInt) throws(Errno) {
    var limit = rlimit(rlim_cur: count, rlim_max: count)
    if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { throw Errno(rawValue: errno) }
}

#if os(Linux)
    /// Has the server not fork any more, as if there were too many processes.
    public struct DenyForks: Preload {
        public init() {}

        public func load() throws {
            guard deny_forks(EAGAIN) == 0 else { throw Errno(rawValue: errno) }
        }
    }
#endif
