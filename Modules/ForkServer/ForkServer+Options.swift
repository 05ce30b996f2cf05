import ResourceTracker
import Syscalls

extension ForkServer {
    /// How a server is started and behaves.
    public struct Options: Sendable {
        /// What is started as the server, for hosts that cannot call `bootstrap()`, such as test runners: an executable
        /// that does. `nil` is the one that runs here.
        public var executable: String?
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

    /// What a server knows of itself.
    public struct Statistics: Codable, Hashable, Sendable {
        /// Forks since it started, those of spares included.
        public let forks: Int
        /// Requests that a spare has served.
        public let activations: Int
        /// Children of its clients that run.
        public let childrenRunning: Int
        /// Spares that wait for a request.
        public let sparesReady: Int
        /// What a fork takes, on a sliding average.
        public let forkTime: Duration
        /// Requests that it has read and not served yet.
        public let waitingRequests: Int
        /// Memory of it that is in use, in KiB; 0 where the kernel does not tell.
        public let residentMemoryKiB: Int
        /// Memory of it that it shares with nobody, in KiB; 0 where the kernel does not tell.
        public let privateMemoryKiB: Int
        /// Its threads: one.
        public let threads: Int
    }
}
