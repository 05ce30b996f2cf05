import Syscalls

/// A way of asking the kernel which descriptors are ready: the extension point of this module.
///
/// A backend knows descriptors, interests and tokens, and nothing of handlers, timers or threads; the `Reactor` above it
/// does those. A new one is a file with a class like `EpollBackend`, and a line in `ReactorBackends.all`.
///
/// It is used by one thread. It is level-triggered: what is ready and not dealt with is reported again by the next `wait`.
public protocol ReactorBackend: AnyObject, SendableMetatype {
    /// How it is chosen, in lower case, such as `epoll`.
    static var name: String { get }

    init() throws(Errno)

    /// Starts to watch a descriptor that is not watched.
    ///
    /// - Parameters:
    ///   - interest: Never empty. Errors and hang-ups are reported with any interest.
    ///   - token: Comes back with each of the descriptor's events.
    /// - Throws: `Errno` when the kernel refuses; the descriptor is not watched then.
    func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno)

    /// Changes what a watched descriptor is watched for.
    ///
    /// - Throws: `Errno.noSuchFileOrDirectory` when it is not watched, for instance because it was closed meanwhile.
    func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno)

    /// Stops watching a descriptor; one that is not watched (any more) is no error.
    func deregister(_ descriptor: FileDescriptor)

    /// Waits until something is ready, the timeout has passed (never earlier), or a signal came.
    ///
    /// - Parameters:
    ///   - timeout: `nil` waits for ever, zero only looks.
    ///   - events: Empty when called; gets what is ready, at most one entry a descriptor.
    func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno)

    /// Makes this process's copy independent of its parent's after a fork, watching nothing.
    func recreateAfterFork() throws(Errno)
}

/// What a descriptor is watched for.
public struct Interest: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static var readable: Interest { Interest(rawValue: 1) }
    public static var writable: Interest { Interest(rawValue: 2) }
}

/// What a descriptor was found ready for.
public struct Readiness: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// There is something to read, if only the end of the stream.
    public static var readable: Readiness { Readiness(rawValue: 1) }
    public static var writable: Readiness { Readiness(rawValue: 2) }
    /// The other side is gone. What it sent before can still be read.
    public static var hangUp: Readiness { Readiness(rawValue: 4) }
    public static var error: Readiness { Readiness(rawValue: 8) }
    /// The descriptor was closed without being removed first (backends that can tell).
    public static var invalid: Readiness { Readiness(rawValue: 16) }
}

/// One descriptor's readiness, as a backend reports it.
public struct ReadinessEvent: Sendable {
    public let token: UInt64
    public let readiness: Readiness

    public init(token: UInt64, readiness: Readiness) {
        self.token = token
        self.readiness = readiness
    }
}

/// The backends that this platform has.
public enum ReactorBackends {
    /// All of them, the best first.
    public static var all: [any ReactorBackend.Type] {
        #if os(Linux)
            [EpollBackend.self, PollBackend.self]
        #else
            [PollBackend.self]
        #endif
    }

    /// The one of that name, if there is one here.
    public static func named(_ name: String) -> (any ReactorBackend.Type)? {
        all.first { $0.name == name }
    }
}
