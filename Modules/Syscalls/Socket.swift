import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension OwnedFileDescriptor {
    /// A socket of an address family, close-on-exec. The corresponding C function is `socket`.
    public static func socket(family: CInt, _ kind: SocketKind = .stream) throws(Errno) -> OwnedFileDescriptor {
        OwnedFileDescriptor(owning: try checked(csys_socket(family, kind.rawValue)))
    }

    /// A socket connected to an address.
    ///
    /// - Throws: `Errno.timedOut` when the deadline passes first; otherwise what `connect` reports.
    ///
    /// The corresponding C functions are `socket` and `connect`.
    public static func connect(
        to address: SocketAddress, _ kind: SocketKind = .stream, until deadline: Deadline = .never
    ) throws(Errno) -> OwnedFileDescriptor {
        let socket = try socket(family: address.family, kind)
        try socket.descriptor.connect(to: address, until: deadline)
        return socket
    }
}

extension FileDescriptor {
    /// Connects; the socket is blocking afterwards.
    ///
    /// An interrupted `connect` goes on in the kernel: it is waited for, not repeated. Not so on Linux with a Unix listener
    /// whose backlog is full: the interrupted `connect` has come to nothing and is repeated; a non-blocking one is EAGAIN,
    /// and as nothing can be waited for it is tried again every millisecond.
    ///
    /// The corresponding C function is `connect`.
    public func connect(to address: SocketAddress, until deadline: Deadline = .never) throws(Errno) {
        try setBlocking(deadline == .never)
        while true {
            do throws(Errno) {
                if try !beginConnecting(to: address) {
                    if try wait(for: .writable, until: deadline).isEmpty { throw .timedOut }
                }
                return try endConnecting()
            } catch {
                guard error == .resourceTemporarilyUnavailable else { throw error }
            }
            if deadline.hasPassed { throw .timedOut }
            Deadline.after(.milliseconds(1)).sleep()
        }
    }

    /// Begins to connect a non-blocking socket.
    ///
    /// - Returns: Whether it is connected already; otherwise it is once it is writable. `endConnecting` in either case.
    /// - Throws: `Errno.resourceTemporarilyUnavailable` while the backlog of a Unix listener is full.
    ///
    /// The corresponding C function is `connect`.
    package func beginConnecting(to address: SocketAddress) throws(Errno) -> Bool {
        while true {
            if address.withPointer({ systemConnect(rawValue, $0, address.length) }) == 0 { return true }
            let error = Errno.current
            if error == .interrupted, address.family == AF_UNIX { continue }
            if error == .interrupted || error == .operationInProgress { return false }
            throw error
        }
    }

    /// Ends what `beginConnecting` began: the socket is connected and blocking then.
    ///
    /// - Throws: Why it could not be connected.
    ///
    /// The corresponding C function is `getsockopt` with `SO_ERROR`.
    package func endConnecting() throws(Errno) {
        let pending = try option(SOL_SOCKET, SO_ERROR)
        if pending != 0 { throw Errno(rawValue: pending) }
        try setBlocking(true)
    }

    /// Gives the socket an address. The corresponding C function is `bind`.
    public func bind(to address: SocketAddress) throws(Errno) {
        try checked(address.withPointer { systemBind(rawValue, $0, address.length) })
    }

    /// Lets the socket be connected to. The corresponding C function is `listen`.
    public func listen(backlog: Int) throws(Errno) {
        try checked(systemListen(rawValue, CInt(clamping: backlog)))
    }

    /// Takes the next connection; the accepted socket is close-on-exec and blocking.
    ///
    /// - Throws: `Errno.timedOut` when the deadline passes first. A connection that its client has given up meanwhile is
    ///   passed over.
    ///
    /// The corresponding C function is `accept4`.
    public func accept(until deadline: Deadline = .never) throws(Errno) -> AcceptedSocket {
        while true {
            if deadline != .never, try wait(for: .readable, until: deadline).isEmpty { throw .timedOut }
            do throws(Errno) {
                let (socket, address) = try SocketAddress.stored { pointer, length throws(Errno) in
                    try retryingOnInterrupt { csys_accept(rawValue, pointer, length) }
                }
                return AcceptedSocket(socket: OwnedFileDescriptor(owning: socket), peer: address)
            } catch .connectionAborted {
                continue
            } catch .resourceTemporarilyUnavailable {
                // A non-blocking listener, or one whose connection another process took first.
                let readiness = try wait(for: .readable, until: deadline)
                if readiness.isEmpty { throw .timedOut }
                // It was shut down: where a blocking `accept` is EINVAL, Linux goes on saying EAGAIN of a Unix socket.
                if readiness.contains(.hangUp) { throw .invalidArgument }
            }
        }
    }

    /// Sends some of the bytes on a connected socket.
    ///
    /// - Returns: How many the kernel took.
    /// - Throws: `Errno.timedOut` when it takes none by the deadline; a vanished peer is `.brokenPipe`, never a signal.
    ///
    /// The corresponding C function is `send` with `MSG_NOSIGNAL`.
    public func send(_ bytes: RawSpan, until deadline: Deadline = .never) throws(Errno) -> Int {
        try bytes.withUnsafeBytes { bytes throws(Errno) in
            try untilReady(.writable, deadline) { flags in
                systemSend(rawValue, bytes.baseAddress, bytes.count, flags | noSignalFlag)
            }
        }
    }

    /// Receives some bytes on a connected socket.
    ///
    /// - Returns: How many came; 0 is the end of the stream.
    /// - Throws: `Errno.timedOut` when none come by the deadline.
    ///
    /// The corresponding C function is `recv`.
    public func receive(into buffer: UnsafeMutableRawBufferPointer, until deadline: Deadline = .never) throws(Errno)
        -> Int
    {
        try untilReady(.readable, deadline) { flags in recv(rawValue, buffer.baseAddress, buffer.count, flags) }
    }

    /// Receives some bytes on a connected socket with one call; see `receive(into:until:)`.
    ///
    /// - Parameter waiting: Whether to wait while there is nothing; otherwise that is EAGAIN.
    package func receive(into buffer: UnsafeMutableRawBufferPointer, waiting: Bool) throws(Errno) -> Int {
        try retryingOnInterrupt { recv(rawValue, buffer.baseAddress, buffer.count, waiting ? 0 : CInt(MSG_DONTWAIT)) }
    }

    /// Makes a call that does not wait, once more each time that the socket has become ready. Without a deadline the call
    /// itself waits.
    private func untilReady(
        _ events: PollEvents, _ deadline: Deadline, _ call: (CInt) -> Int
    ) throws(Errno) -> Int {
        guard deadline != .never else { return try retryingOnInterrupt { call(0) } }
        while true {
            do throws(Errno) {
                return try retryingOnInterrupt { call(CInt(MSG_DONTWAIT)) }
            } catch {
                guard error == .resourceTemporarilyUnavailable else { throw error }
            }
            if try wait(for: events, until: deadline).isEmpty { throw .timedOut }
        }
    }

    /// The socket's own address. The corresponding C function is `getsockname`.
    public func localAddress() throws(Errno) -> SocketAddress {
        try SocketAddress.stored { pointer, length throws(Errno) in
            try checked(getsockname(rawValue, pointer, length))
        }.address
    }

    /// The address of the socket's peer. The corresponding C function is `getpeername`.
    public func peerAddress() throws(Errno) -> SocketAddress {
        try SocketAddress.stored { pointer, length throws(Errno) in
            try checked(getpeername(rawValue, pointer, length))
        }.address
    }

    /// An integer option of the socket. The corresponding C function is `getsockopt`.
    public func option(_ level: CInt, _ name: CInt) throws(Errno) -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        try checked(getsockopt(rawValue, level, name, &value, &length))
        return value
    }

    /// Sets an integer option of the socket. The corresponding C function is `setsockopt`.
    public func setOption(_ level: CInt, _ name: CInt, to value: CInt) throws(Errno) {
        var value = value
        try checked(setsockopt(rawValue, level, name, &value, socklen_t(MemoryLayout<CInt>.size)))
    }

    /// Ends both directions, which wakes whoever waits on the socket. The corresponding C function is `shutdown`.
    public func shutdown() throws(Errno) {
        try checked(systemShutdown(rawValue, CInt(SHUT_RDWR)))
    }

    /// Ends the sending direction: the peer reads end of file. The corresponding C function is `shutdown`.
    public func shutdownSending() throws(Errno) {
        try checked(systemShutdown(rawValue, CInt(SHUT_WR)))
    }
}

/// A socket that `accept` made, and who is at its other end. See accept(2).
@frozen public struct AcceptedSocket: ~Copyable, Sendable {
    /// The connection. See accept(2).
    public let socket: OwnedFileDescriptor
    /// The address of its peer; of a nameless Unix socket, one without a path. See accept(2).
    public let peer: SocketAddress
}

// The C functions, under names that the methods of the same name do not hide.
private func systemConnect(_ socket: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    connect(socket, address, length)
}
private func systemBind(_ socket: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    bind(socket, address, length)
}
private func systemListen(_ socket: CInt, _ backlog: CInt) -> CInt { listen(socket, backlog) }
private func systemShutdown(_ socket: CInt, _ how: CInt) -> CInt { shutdown(socket, how) }
private func systemSend(_ socket: CInt, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: CInt) -> Int {
    send(socket, bytes, count, flags)
}

#if canImport(Glibc)
    private let noSignalFlag = CInt(MSG_NOSIGNAL)
#else
    // SO_NOSIGPIPE is set when the socket is made.
    private let noSignalFlag: CInt = 0
#endif
