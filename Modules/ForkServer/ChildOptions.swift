import FDPassing
import Syscalls

/// How a child differs from what the server hands on to it.
public struct ChildOptions: Sendable {
    /// Variables to set, or to remove (`nil`), in the server's environment. See environ(7).
    public var environment: [String: String?] = [:]
    /// The directory that it starts in; `nil` is the server's. The corresponding C function is `chdir`.
    public var workingDirectory: String?
    /// What it reads as standard input: by default the server's, which is `/dev/null`.
    public var standardInput: StandardStream = .inherited
    /// Where its standard output goes: by default where the server's goes, which is the program's.
    public var standardOutput: StandardStream = .inherited
    /// Where its standard error goes: by default where the server's goes, which is the program's.
    public var standardError: StandardStream = .inherited
    /// Whose process group and session it is in.
    public var group: ProcessGroup = .inherited
    /// How nice it is to others; `nil` is as nice as the server. The corresponding C function is `setpriority`.
    public var niceness: Int?
    /// The processors that it may run on; `nil` are the server's. Linux only. The corresponding C function is
    /// `sched_setaffinity`.
    public var affinity: [Int]?
    /// Limits that differ from the server's. The corresponding C function is `setrlimit`.
    public var resourceLimits: [ResourceLimit.Resource: ResourceLimit] = [:]
    /// What the kernel sends it when the server ends before it. By default nothing: children outlive a server that dies. Linux
    /// only. The corresponding C function is `prctl` with `PR_SET_PDEATHSIG`.
    public var serverDeathSignal: Signal?
    /// Whether it goes on when its client is gone. Nobody learns of its end then.
    public var isDetached = false

    /// A child as the server hands it on.
    public init() {}

    /// Where one of the standard streams leads.
    public enum StandardStream: Sendable {
        /// To where the server's does.
        case inherited
        /// To `/dev/null`.
        case null
        /// To a pipe whose other end the `ChildProcess` holds.
        case pipe
        /// To an open file, whose descriptor stays the caller's.
        case descriptor(PassedDescriptor)
        /// To a pipe that the `ChildProcess` empties, keeping the first and the last so many bytes. For output only.
        /// Shown as well, it also goes where the program's own stream does, as long as there is room: nobody waits for a terminal.
        case captured(bytes: Int = 65_536, isShown: Bool = false)
    }

    /// A process group, for signals of a terminal or to all of a group. See setpgid(2).
    public enum ProcessGroup: Codable, Sendable {
        /// The server's, which is the program's.
        case inherited
        /// A group of its own, which it leads. The corresponding C function is `setpgid`.
        case own
        /// A session of its own, without a terminal. The corresponding C function is `setsid`.
        case ownSession
    }
}
