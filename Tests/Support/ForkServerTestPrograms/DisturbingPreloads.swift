import ForkServer
import ProcessTestSupport
import ResourceTracker
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// What preloads leave behind that a server has to live with.

/// Starts a thread when the server gets SIGUSR1, and so when it serves already.
public struct LateThreadPreload: Preload {
    public init() {}

    public func load() {
        signal(SIGUSR1) { _ in startThread() }
    }
}

/// The server is in a system call then, and has locked nothing.
private func startThread() {
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { _ in
            while true { pause() }
        }, nil)
}

/// Takes the ends of all of the server's children before the server can.
public struct ReapingPreload: Preload {
    public enum Way: Codable, CaseIterable, Sendable {
        /// By a handler, as libraries install that start processes.
        case handler
        /// By having the kernel forget them.
        case ignoring
    }

    let way: Way

    public init(_ way: Way) {
        self.way = way
    }

    public func load() {
        switch way {
        case .handler: signal(SIGCHLD) { _ in reapAll() }
        case .ignoring: signal(SIGCHLD, SIG_IGN)
        }
    }
}

private func reapAll() {
    let former = errno
    while waitpid(-1, nil, WNOHANG) > 0 {}
    errno = former
}

#if os(Linux)
    /// Gives the server children that it knows nothing of, and that end while it serves: one of the preload's, and its child,
    /// which the server adopts.
    public struct StrangersPreload: Preload {
        public init() {}

        public func load() throws {
            try setChildSubreaper(true)
            _ = try ProcessID.spawn("/bin/sh", SpawnOptions(arguments: ["sh", "-c", ": & exit 3"]))
        }
    }
#endif

/// Makes a segment that the program's tracker knows as the server's.
public struct SegmentPreload: Preload {
    let name: String

    public init(_ name: String) {
        self.name = name
    }

    public func load() throws {
        _ = try ResourceTracker.shared.createSharedMemory(name, size: 4096)
    }
}
