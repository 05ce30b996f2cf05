import Syscalls

/// A way of asking the kernel which descriptors are ready: the extension point of this module.
///
/// A backend knows descriptors, interests and tokens, and nothing of handlers, timers, signals or threads; the `Reactor`
/// above it does those. A new one is a file with a class like `PollBackend`, and a line: in `ReactorBackends.builtIn`, or,
/// outside of this package, `ReactorBackends.add(MyBackend.self)`. `ReactorConformance` tests it.
///
/// It is used by one thread. That thread is woken by a descriptor that the reactor registers like any other: waking up
/// takes nothing more of a backend.
public protocol ReactorBackend: AnyObject, SendableMetatype {
    /// How it is chosen, in lower case, such as `epoll`.
    static var name: String { get }

    /// Makes one that watches nothing.
    ///
    /// - Throws: `Errno.notImplemented` or `.notPermitted` where the kernel, or a filter before it, does not offer
    ///   what it needs: the reactor takes the best other one then.
    init() throws(Errno)

    /// Starts to watch a descriptor that is not watched.
    ///
    /// - Parameters:
    ///   - interest: With at least one direction. Errors and hang-ups are reported with any interest.
    ///   - token: Comes back with each of the descriptor's events.
    /// - Throws: `Errno` when the kernel refuses; the descriptor is not watched then. `.badFileDescriptor` for one that is
    ///   not open, `.fileExists` for one that is watched. `.notPermitted` for one that cannot be watched because it is
    ///   always ready, such as a regular file under epoll(7): the reactor tells of it in each round without the backend.
    ///   `.notSupported` for a trigger that the backend does not have.
    func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno)

    /// Changes what a watched descriptor is watched for. One that is ready by now is reported (again), whatever its trigger.
    ///
    /// - Throws: `Errno.noSuchFileOrDirectory` when it is not watched, for instance because it was closed meanwhile;
    ///   otherwise as `register`. It is watched as before then.
    func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno)

    /// Stops watching a descriptor; one that is not watched (any more), or is not open, is no error.
    ///
    /// Afterwards nothing here keeps its file open.
    func deregister(_ descriptor: FileDescriptor)

    /// Waits, once, until something is ready or the timeout has passed, never earlier.
    ///
    /// - Parameters:
    ///   - timeout: `nil` waits for ever, zero only looks.
    ///   - events: Empty when called; gets what is ready, at most one entry a descriptor.
    /// - Throws: `Errno.interrupted`, with no events, when a signal ended the wait: the reactor waits for what is left then.
    ///   Also without any signal does Linux do that to a thread that has closed an io_uring.
    func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno)

    /// Starts anew, watching nothing: in a forked process, whose copy shall not disturb its parent's, or where the kernel
    /// reports what it cannot be told to forget.
    func recreate() throws(Errno)
}

/// The backends by name.
public enum ReactorBackends {
    /// Those of this package, the best first.
    private static var builtIn: [any ReactorBackend.Type] {
        #if os(Linux)
            [EpollBackend.self, IOUringBackend.self, PollBackend.self]
        #else
            [KqueueBackend<Kqueue>.self, PollBackend.self]
        #endif
    }

    private static let added = Lock<[any ReactorBackend.Type]>([])

    /// All of them, the best first, then those that were added.
    public static var all: [any ReactorBackend.Type] { builtIn + added.withLock { $0 } }

    /// Adds a backend of one's own, so that its name chooses it.
    ///
    /// A program that wants a fork server to use it does so before its `bootstrap()`: the server is another process. Safe to
    /// use from any thread. Adding it again changes nothing; a name that is taken is a programmer's error.
    public static func add(_ backend: any ReactorBackend.Type) {
        added.withLock { added in
            guard let namesake = (builtIn + added).first(where: { $0.name == backend.name }) else {
                return added.append(backend)
            }
            precondition(
                namesake == backend, "there is a reactor backend “\(backend.name)” already: choose another name")
        }
    }

    /// The one of that name, if there is one here.
    public static func named(_ name: String) -> (any ReactorBackend.Type)? {
        all.first { $0.name == name }
    }

    /// One of the type that is wanted, or else of the first that the kernel offers.
    static func make(_ wanted: (any ReactorBackend.Type)?) throws(Errno) -> any ReactorBackend {
        var refusal: Errno?
        for type in [wanted].compactMap({ $0 }) + builtIn {
            do throws(Errno) {
                return try type.init()
            } catch {
                guard error == .notImplemented || error == .notPermitted else { throw error }
                refusal = refusal ?? error
            }
        }
        throw refusal ?? .notImplemented
    }
}
