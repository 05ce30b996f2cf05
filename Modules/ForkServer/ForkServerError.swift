import Framing
import ResourceTracker
import Syscalls

/// What can go wrong with a fork server.
public enum ForkServerError: Error, Sendable {
    /// `bootstrap()` was not called at the start of `main`, so this executable cannot be started as a server.
    case notBootstrapped
    /// The server did not come up: why.
    case startFailed(String)
    /// The executable on disk is another build than the program that runs.
    case differentBuild
    /// The named executable is another file than the one that was started first: its path. `reload` takes the new one.
    case executableReplaced(String)
    /// A preload failed in the server: which one, and why.
    case preloadFailed(String, reason: String)
    /// The server has more than one thread, so that forking it is not safe; the threads' names, and what was loaded last.
    case notSingleThreaded(threads: [String], culprit: String)
    /// The server died; what was asked of it may or may not have happened. The next use starts another.
    case serverDied
    /// The server could not fork.
    case forkFailed(Errno)
    /// The child ended before it ran anything of its program: how. It was killed, or could not be set up, of which it has left a
    /// line on standard error.
    case childEndedAtStart(ExitStatus)
    /// The type is private or local to a function, so that no other process can find it by name.
    case typeNotNameable(String)
    /// The server's executable does not have the type.
    case typeUnknown(String)
    /// The program could not be encoded: why.
    case notEncodable(String)
    /// The deadline passed.
    case timedOut
    /// The server was shut down by this program.
    case shutDown
    /// The resource tracker that children share could not be started.
    case tracker(ResourceTrackerError)
    /// The connection to the server failed.
    case connection(FramingError)
    /// A system call failed.
    case system(Errno)
}

extension ForkServerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notBootstrapped:
            "call ForkServer.bootstrap() as the first line of main, or name an executable that does"
        case .startFailed(let reason): "the fork server did not start: \(reason)"
        case .differentBuild: "the executable was replaced by another build since this program started"
        case .executableReplaced(let path):
            "the executable \(path) was replaced since the fork server was started first: call reload() to use the new one"
        case .preloadFailed(let preload, let reason): "the preload \(preload) failed in the fork server: \(reason)"
        case .notSingleThreaded(let threads, let culprit):
            "the fork server has \(threads.count) threads (\(threads.joined(separator: ", "))) after \(culprit): "
                + "what runs there before a fork must not start threads, use Dispatch or Swift Concurrency"
        case .serverDied: "the fork server died"
        case .forkFailed(let error): "the fork server could not fork: \(error)"
        case .childEndedAtStart(let status): "the child \(status) before it ran its program"
        case .typeNotNameable(let type):
            "\(type) cannot be found by name in another process: make it internal or public, and not local to a function"
        case .typeUnknown(let type):
            "the server's executable does not have the type \(type): put it into a library target that both link"
        case .notEncodable(let reason): "cannot be encoded: \(reason)"
        case .timedOut: "the deadline passed"
        case .shutDown: "the fork server was shut down"
        case .tracker(let error): "\(error)"
        case .connection(let error): "the connection to the fork server failed: \(error)"
        case .system(let error): "\(error)"
        }
    }
}
