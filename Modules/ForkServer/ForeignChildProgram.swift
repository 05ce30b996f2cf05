import FDPassing
import Syscalls

/// What a fork server runs for clients that come to its address; see `ForkServer.AddressOptions`.
///
/// The value is made by the program that starts the server, and travels to it once. `run` is called in each child, a process
/// with one thread and everything that preloads have left in memory. It is found by its type's name, so the type must not be
/// private or local to a function.
public protocol ForeignChildProgram: Codable, Sendable {
    /// Runs in the child. The process exits with code 0 when it returns; when it throws, the error is written to standard
    /// error and the code is 1.
    ///
    /// - Parameter child: What the client has sent; all of it is closed, at the latest, when this returns.
    func run(in child: consuming ForeignChildContext) throws
}

/// What a child knows that was asked for at the server's address: its client, and the descriptors that came from there.
///
/// Frozen, so that a program can take it apart: `Connection(child.descriptors.take(at: 0)!)`. Beside these the child has the
/// standard streams of the server, and what preloads opened. `ResourceTracker.shared` is the client's in it.
@frozen public struct ForeignChildContext: ~Copyable, Sendable {
    /// Who has asked for it, as the kernel vouches for.
    public let client: PeerCredentials
    /// What the child is to do comes from here: CPython's `child_r`.
    ///
    /// A request delimits itself, by a length, a line end, or as pickles do. End of file is not its end: the client keeps
    /// its end open for as long as it lives. After the request it means that the client is gone.
    public var request: OwnedFileDescriptor
    /// Keeps the server that the client knows from ending. Closed, it does so no more.
    public var alive: OwnedFileDescriptor
    /// The pipe to the client's resource tracker.
    public var tracker: OwnedFileDescriptor
    /// What came beyond these, by position, as CPython's `get_inherited_fds()`.
    public var descriptors: DescriptorBatch

    /// The fork server makes it; programs do so to test theirs without a server. It owns the descriptors.
    public init(
        client: PeerCredentials, request: consuming OwnedFileDescriptor, alive: consuming OwnedFileDescriptor,
        tracker: consuming OwnedFileDescriptor, descriptors: consuming DescriptorBatch
    ) {
        self.client = client
        self.request = request
        self.alive = alive
        self.tracker = tracker
        self.descriptors = descriptors
    }

    #if os(Linux)
        /// Has the kernel kill this process, with SIGKILL, when its client is gone, however busy it is then; at once when that is
        /// the case already.
        ///
        /// To be called when the whole request has been read: whatever comes after it is taken for the end, too. Linux only.
        /// - Throws: `Errno.noSuchAddressOrDevice` when `request` is no pipe, which CPython's is.
        ///
        /// The corresponding C function is `fcntl` with `F_SETSIG`.
        public func endWithClient() throws(Errno) {
            let watch = try request.descriptor.reopenForReading()
            guard try dieWithWriters(of: watch.descriptor) else {
                try ProcessID.current.send(.kill)
                return
            }
            // Open for good.
            _ = watch.take()
        }
    #endif

    /// Leaves the child with an exit code, which its client is told, after writing out what the standard streams hold.
    ///
    /// Exit handlers do not run: they are the server's.
    public consuming func exit(_ code: CInt) -> Never {
        flushStandardStreams()
        exitImmediately(code)
    }
}
