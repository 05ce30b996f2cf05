import Syscalls

/// What can go wrong with a resource tracker.
public enum ResourceTrackerError: Error, Hashable, Sendable {
    /// `bootstrap()` was not called at the start of `main`, so this executable cannot be started as a tracker.
    case notBootstrapped
    /// A name that no resource of the kind can have: why.
    case invalidName(String, reason: String)
    /// The kind's type is private or local to a function, so that the tracker cannot find it by name.
    case typeNotNameable(String)
    /// A custom kind's clean-up, called by `unlink`, has thrown this.
    case removalFailed(String)
    /// A system call failed. `.brokenPipe`: the tracker is gone, and so is the process that would have started it again.
    case system(Errno)
}

extension ResourceTrackerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notBootstrapped:
            "call bootstrap() (of ResourceTracker, or of the highest layer used) as the first line of main, "
                + "or name an executable that does"
        case .invalidName(let name, let reason): "a resource cannot be called \(name.debugDescription): \(reason)"
        case .typeNotNameable(let type):
            "\(type) cannot be found by name in another process: make it internal or public, and not local to a function"
        case .removalFailed(let reason): "the resource could not be removed: \(reason)"
        case .system(let error): "resource tracker: \(error)"
        }
    }
}
