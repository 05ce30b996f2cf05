import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A socket that clients connect to, as CPython's `multiprocessing.connection.Listener`.
///
/// Safe to use from any thread. It unlinks the socket file that it made when it closes.
public final class Listener: Sendable {
    private let closable: ClosableDescriptor
    /// Where it listens; with the port that the kernel chose if it was asked to.
    public let address: Address
    /// The file that it made, and which file it was: another's under the same name is not removed.
    private let socketFile: (path: String, identity: FileStatus.Identity)?
    private let lastAccepted = Lock<Address?>(nil)

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - address: A socket file that nobody listens at any more is replaced; a live one is `Errno.addressInUse`.
    ///   - backlog: How many connections may wait to be accepted.
    public convenience init(at address: Address, backlog: Int = 128) throws(FramingError) {
        var failure = FramingError.system(.addressNotAvailable)
        for candidate in try address.resolve(forBinding: true) {
            do throws(FramingError) {
                let socket = try framing { () throws(Errno) in
                    try Self.listen(at: candidate, backlog: backlog)
                }
                try self.init(listening: socket, at: address)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private init(listening socket: consuming OwnedFileDescriptor, at address: Address) throws(FramingError) {
        if case .unix(let path) = address {
            self.address = address
            socketFile = (path, try framing { () throws(Errno) in try FileStatus(ofFileAt: path) }.identity)
        } else {
            let descriptor = socket.descriptor
            self.address = Address(try framing { () throws(Errno) in try descriptor.localAddress() })
            socketFile = nil
        }
        closable = ClosableDescriptor(socket)
    }

    deinit {
        close()
    }

    /// Waits for the next client.
    ///
    /// - Parameter descriptorLimit: See `Connection`.
    /// - Throws: `FramingError.timedOut` when none has come by the deadline.
    public func accept(descriptorLimit: Int = 0, until deadline: Deadline = .never) throws(FramingError) -> Connection {
        try closable.withDescriptor { descriptor throws(FramingError) in
            let accepted: AcceptedSocket
            do throws(Errno) {
                accepted = try descriptor.accept(until: deadline)
            } catch {
                // A listener that another thread has closed reports EINVAL.
                throw closable.isClosed ? .closed : error == .timedOut ? .timedOut : .system(error)
            }
            let peer = Address(accepted.peer)
            lastAccepted.withLock { $0 = peer }
            return Connection(accepted.socket, descriptorLimit: descriptorLimit)
        }
    }

    /// The address of the client accepted last; a Unix client's is usually empty.
    public var lastAcceptedAddress: Address? { lastAccepted.withLock { $0 } }

    /// Stops listening and removes the socket file. Safe to call from any thread and again.
    public func close() {
        guard !closable.isClosed else { return }
        if let socketFile, (try? FileStatus(ofFileAt: socketFile.path))?.identity == socketFile.identity {
            unlink(socketFile.path)
        }
        closable.close()
    }

    /// Runs a call on the listener's descriptor, which stays the listener's.
    public func withDescriptor<Result>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        try closable.withDescriptor { descriptor throws(FramingError) in try body(descriptor) }
    }

    private static func listen(at address: SocketAddress, backlog: Int) throws(Errno) -> OwnedFileDescriptor {
        let socket = try OwnedFileDescriptor.socket(family: address.family)
        if address.family != AF_UNIX { try socket.descriptor.setOption(SOL_SOCKET, SO_REUSEADDR, to: 1) }
        do throws(Errno) {
            try socket.descriptor.bind(to: address)
        } catch .addressInUse {
            guard let path = address.unixPath, isStale(address, path) else { throw .addressInUse }
            unlink(path)
            try socket.descriptor.bind(to: address)
        }
        try socket.descriptor.listen(backlog: backlog)
        return socket
    }

    /// Whether the path is a socket file that its listener has left behind: connecting to it is refused.
    private static func isStale(_ address: SocketAddress, _ path: String) -> Bool {
        guard path.first != "\0", (try? FileStatus(ofFileAt: path, followLinks: false))?.kind == .socket else {
            return false
        }
        do throws(Errno) {
            _ = try OwnedFileDescriptor.connect(to: address, until: .after(.seconds(1)))
            return false
        } catch {
            return error == .connectionRefused
        }
    }
}

extension Connection {
    /// Connects to a listener, as CPython's `multiprocessing.connection.Client`.
    ///
    /// - Parameters:
    ///   - address: Of a host with several addresses each is tried in turn.
    ///   - descriptorLimit: See `init`.
    /// - Throws: `FramingError.timedOut` when the deadline passes first.
    public static func connect(
        to address: Address, descriptorLimit: Int = 0, until deadline: Deadline = .never
    ) throws(FramingError) -> Connection {
        var failure = Errno.addressNotAvailable
        for candidate in try address.resolve(forBinding: false) {
            do throws(Errno) {
                let socket = try OwnedFileDescriptor.connect(to: candidate, until: deadline)
                return Connection(socket, descriptorLimit: descriptorLimit)
            } catch {
                failure = error
            }
        }
        throw failure == .timedOut ? .timedOut : .system(failure)
    }
}
