import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A socket that clients connect to, as CPython's `multiprocessing.connection.Listener`.
///
/// Safe to use from any thread. It removes the socket file that it made when it closes.
public final class Listener: Sendable {
    let closable: ClosableDescriptor
    /// Where it listens; with the port that the kernel chose if it was asked to.
    public let address: Address
    private let socketFile: SocketFile?
    private let lastAccepted = Lock<Address?>(nil)

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - address: A socket file that nobody listens at any more is replaced; a live one is `Errno.addressInUse`.
    ///   - backlog: How many connections may wait to be accepted.
    public convenience init(at address: Address, backlog: Int = 128) throws(FramingError) {
        try self.init(at: address, backlog: backlog, alone: nil)
    }

    /// Starts to listen at a Unix address of its own, a random name in a directory that only this user can enter, as CPython's
    /// `Listener()` without an address. Both go when it closes.
    ///
    /// - Parameter backlog: How many connections may wait to be accepted.
    ///
    /// The corresponding C function is `mkdtemp`.
    public static func atFreshAddress(backlog: Int = 128) throws(FramingError) -> Listener {
        let directory = try framing { () throws(Errno) in try createPrivateDirectory(named: "listener") }
        do throws(FramingError) {
            return try Listener(at: .unix(path: directory + "/socket"), backlog: backlog, alone: directory)
        } catch {
            rmdir(directory)
            throw error
        }
    }

    /// Starts to listen at a path in place of another listener, which stays and gets no more clients.
    ///
    /// The corresponding C function is `rename`.
    package convenience init(takingOver path: String, backlog: Int = 128) throws(FramingError) {
        try self.init(at: .unix(path: path), backlog: backlog, alone: nil, takesOver: true)
    }

    private init(
        at address: Address, backlog: Int, alone directory: String?, takesOver: Bool = false
    ) throws(FramingError) {
        if case .unix(let path) = address {
            let socket = try framing { () throws(Errno) in try Self.socket(family: AF_UNIX) }
            let descriptor = socket.descriptor
            socketFile = try framing { () throws(Errno) in
                try takesOver
                    ? SocketFile.takeOver(descriptor, at: path, backlog: backlog)
                    : SocketFile.listen(descriptor, at: path, backlog: backlog, alone: directory)
            }
            closable = ClosableDescriptor(socket)
            self.address = address
        } else {
            let socket = try Self.listen(at: address, backlog: backlog)
            let descriptor = socket.descriptor
            self.address = Address(try framing { () throws(Errno) in try descriptor.localAddress() })
            closable = ClosableDescriptor(socket)
            socketFile = nil
        }
    }

    deinit {
        close()
    }

    /// Waits for the next client.
    ///
    /// A client that has gone again is passed over. While this process or the system is at its limit of open files, or short of
    /// memory, the client waits in the backlog and is tried again, ever more rarely, until the deadline.
    ///
    /// - Parameters:
    ///   - descriptorLimit: See `Connection`.
    ///   - deadline: When to give up.
    /// - Returns: A blocking connection.
    /// - Throws: `FramingError.timedOut` when none has come by the deadline, `.system(.tooManyOpenFiles)` and the like when
    ///   one has and could not be taken; it still waits then.
    public func accept(descriptorLimit: Int = 0, until deadline: Deadline = .never) throws(FramingError) -> Connection {
        let descriptor = try closable.beginUse()
        defer { closable.endUse() }
        var pause = Duration.milliseconds(5)
        while true {
            do throws(Errno) {
                let accepted = try descriptor.accept(until: deadline)
                let peer = Address(accepted.peer)
                lastAccepted.withLock { $0 = peer }
                return Connection(stream: accepted.socket, to: address, descriptorLimit: descriptorLimit)
            } catch {
                // A listener that another thread has closed reports EINVAL.
                if closable.isClosed { throw .closed }
                if error == .timedOut { throw .timedOut }
                guard error.isShortage, !deadline.hasPassed else { throw .system(error) }
            }
            // Readable all the time, so only its being closed ends the pause early.
            _ = try? descriptor.wait(for: [], until: min(deadline, .after(pause)))
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// The address of the client accepted last, by any thread; a Unix client's is usually without a path.
    ///
    /// Where several threads accept, ask the connection for its `peerAddress`.
    public var lastAcceptedAddress: Address? { lastAccepted.withLock { $0 } }

    /// Stops listening and removes the socket file. Safe to call from any thread and again.
    public func close() {
        guard !closable.isClosed else { return }
        socketFile?.remove()
        closable.close()
    }

    /// Runs a call on the listener's descriptor, which stays the listener's.
    public func withDescriptor<Result: ~Copyable>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        try closable.withDescriptor { descriptor throws(FramingError) in try body(descriptor) }
    }

    /// A socket whose `accept` does not block: a client that another thread or process was faster to take is waited for
    /// until the deadline, and no longer.
    private static func socket(family: CInt) throws(Errno) -> OwnedFileDescriptor {
        let socket = try OwnedFileDescriptor.socket(family: family)
        try socket.descriptor.setBlocking(false)
        return socket
    }

    /// A listening socket that leaves nothing in the file system.
    private static func listen(at address: Address, backlog: Int) throws(FramingError) -> OwnedFileDescriptor {
        var failure = Errno.addressNotAvailable
        for candidate in try address.resolve(forBinding: true) {
            do throws(Errno) {
                let socket = try Self.socket(family: candidate.family)
                // A port whose last connections the kernel still remembers can be listened at again.
                if candidate.family != AF_UNIX { try socket.descriptor.setOption(SOL_SOCKET, SO_REUSEADDR, to: 1) }
                try socket.descriptor.bind(to: candidate)
                try socket.descriptor.listen(backlog: backlog)
                return socket
            } catch {
                failure = error
            }
        }
        throw .system(failure)
    }
}

extension Errno {
    /// Whether it may be better later, without the caller doing anything else.
    package var isShortage: Bool {
        [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .noMemory].contains(self)
    }
}

extension Connection {
    /// Connects to a listener, as CPython's `multiprocessing.connection.Client`.
    ///
    /// - Parameters:
    ///   - address: Of a host with several addresses each is tried in turn.
    ///   - descriptorLimit: See `init`.
    ///   - deadline: When to give up. Looking up a host's name may take longer.
    /// - Throws: `FramingError.timedOut` when the deadline passes first.
    public static func connect(
        to address: Address, descriptorLimit: Int = 0, until deadline: Deadline = .never
    ) throws(FramingError) -> Connection {
        var failure = Errno.addressNotAvailable
        for candidate in try address.resolve() {
            do throws(Errno) {
                let socket = try OwnedFileDescriptor.connect(to: candidate, until: deadline)
                return Connection(stream: socket, to: address, descriptorLimit: descriptorLimit)
            } catch {
                failure = error
            }
        }
        throw failure == .timedOut ? .timedOut : .system(failure)
    }

    /// Makes a connection of a socket that has just been connected or accepted.
    package convenience init(
        stream socket: consuming OwnedFileDescriptor, to address: Address, descriptorLimit: Int
    ) {
        // Each message leaves at once: Nagle's algorithm would keep a second small one until the first is acknowledged.
        if case .tcp = address { try? socket.descriptor.setOption(CInt(IPPROTO_TCP), TCP_NODELAY, to: 1) }
        self.init(socket, isSocket: true, descriptorLimit: descriptorLimit)
    }
}
