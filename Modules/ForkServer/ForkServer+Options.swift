import FDPassing
import ProcessRoles
import ResourceTracker
import Syscalls

extension ForkServer {
    /// How a server is started and behaves.
    public struct Options: Sendable {
        /// What is started as the server, for hosts that cannot call `bootstrap()`, such as test runners: an executable
        /// that does. `nil` is the one that runs here.
        public var executable: String?
        /// What `CommandLine.arguments` are in it, after the program's name.
        public var arguments: [String] = []
        /// Variables to set, or to remove (`nil`), from before the exec on. See environ(7).
        public var environment: [String: String?] = [:]
        /// The directory that it starts in; `nil` is the program's. The corresponding C function is `chdir`.
        public var workingDirectory: String?
        /// Where its standard output goes, and that of children that do not say otherwise; `nil` is where the program's goes. It stays
        /// the caller's. (Its standard input is `/dev/null`.)
        public var standardOutput: PassedDescriptor?
        /// Where its standard error goes, and that of children that do not say otherwise; `nil` is where the program's goes. It stays
        /// the caller's.
        public var standardError: PassedDescriptor?
        /// Limits that differ from the program's, also for children. The corresponding C function is `setrlimit`.
        public var resourceLimits: [ResourceLimit.Resource: ResourceLimit] = [:]
        /// Done in the server before it forks, in this order.
        public var preloads: [any Preload] = []
        /// What becomes of a server whose preload throws.
        public var preloadFailure: PreloadFailurePolicy = .fail
        /// How many children it keeps forked ahead.
        public var spares: Spares = .automatic
        /// The backend of the server's reactor by name, such as `io_uring`; `nil` is the best, and so is one that the kernel
        /// does not offer. One of your own is added (`ReactorBackends.add`) before `bootstrap()`.
        public var backend: String?
        /// How long children have after SIGTERM, when this program is gone, until SIGKILL.
        public var gracePeriod: Duration = .seconds(1)
        /// How long the server may take to start, its preloads included.
        public var startTimeout: Duration = .seconds(60)
        /// Whether the server is exec'ed so that forking it is cheap: symbols bound at once, huge pages for the heap. The
        /// variables that say so are not seen by the server's code or its children.
        public var isTunedForForking = true
        /// The resource tracker that children share; `nil` is the program's, or with an `executable` one of the server's own.
        public var resourceTracker: ResourceTracker?
        /// Where processes that speak CPython's protocol can ask it for children; `nil` is nowhere.
        public var address: AddressOptions?

        public init() {}

        var surroundings: RoleSurroundings {
            RoleSurroundings(
                arguments: arguments, environment: environment, workingDirectory: workingDirectory,
                standardOutput: standardOutput?.descriptor, standardError: standardError?.descriptor)
        }
    }

    /// Children that are forked ahead, and parked until somebody wants one: he gets it in the time of a message, however long
    /// a fork takes. Each is a process that waits, with some hundred KiB of its own.
    public enum Spares: Codable, Hashable, Sendable {
        /// None: each request is a fork.
        case none
        /// So many, at most 512.
        case fixed(Int)
        /// A few where forking takes long enough to be worth it, which the server measures.
        case automatic
    }

    /// What becomes of a server whose preload throws.
    public enum PreloadFailurePolicy: Codable, Sendable {
        /// It does not start: `ForkServerError.preloadFailed`.
        case fail
        /// It starts, and the program writes a line to standard error.
        case warn
        /// It starts.
        case ignore
    }
}
