import FDPassing
import Synchronization
import Syscalls

/// A connection that carries messages: byte strings with their length before them.
///
/// The format is that of CPython's `multiprocessing.connection` (see `FrameHeader`), so the peer may be a Python program.
/// The connection owns its descriptor. One thread may send while another receives; several that want to do the same wait
/// for each other, up to their deadlines. Async code uses `AsyncConnection`.
///
/// Calls block up to their deadline. One that is given none blocks for ever, or, on a connection that was made non-blocking
/// (`setBlocking`), does what can be done at once.
public final class Connection: Sendable {
    let closable: ClosableDescriptor
    let isSocket: Bool
    private let blocks: Atomic<Bool>

    /// Whether messages can be received.
    public let isReadable: Bool
    /// Whether messages can be sent.
    public let isWritable: Bool
    /// How many descriptors may wait to be taken; more are an error. With 0 the kernel drops those that come.
    public let descriptorLimit: Int

    /// Whose turn it is to receive, and so to touch the inbox.
    let receiving = DeadlineLock()
    // Sound: touched only by the thread that has `receiving`, which is also why nothing checks it for exclusive access: that
    // would take a third of the time of a small message.
    @exclusivity(unchecked) nonisolated(unsafe) var inbox = Inbox()
    /// Whose turn it is to send, and so to touch the outbox.
    let sending = DeadlineLock()
    // Sound: as the inbox, with `sending`.
    @exclusivity(unchecked) nonisolated(unsafe) var outbox = Outbox()

    /// Makes a connection of a stream socket or of an end of a pipe.
    ///
    /// - Parameters:
    ///   - descriptor: A stream descriptor, owned by the connection from now on. The connection is blocking when it is.
    ///   - readable: Whether messages will be received.
    ///   - writable: Whether messages will be sent.
    ///   - descriptorLimit: How many descriptors may come with messages (see `receiveDescriptors`). By default none are
    ///     expected, and if any come, the kernel closes them.
    public convenience init(
        _ descriptor: consuming OwnedFileDescriptor, readable: Bool = true, writable: Bool = true,
        descriptorLimit: Int = 0
    ) {
        let isSocket = (try? descriptor.descriptor.status())?.kind == .socket
        let isNonblocking = (try? descriptor.descriptor.statusFlags())?.contains(.nonBlocking) ?? false
        self.init(
            descriptor, isSocket: isSocket, isBlocking: !isNonblocking, readable: readable, writable: writable,
            descriptorLimit: descriptorLimit)
    }

    /// Makes a connection of a blocking stream socket, without asking the kernel whether it is one.
    package convenience init(
        socket: consuming OwnedFileDescriptor, readable: Bool = true, writable: Bool = true, descriptorLimit: Int = 0
    ) {
        self.init(socket, isSocket: true, readable: readable, writable: writable, descriptorLimit: descriptorLimit)
    }

    /// Makes a connection of a descriptor of which everything is known.
    init(
        _ descriptor: consuming OwnedFileDescriptor, isSocket: Bool, isBlocking: Bool = true, readable: Bool = true,
        writable: Bool = true, descriptorLimit: Int = 0
    ) {
        closable = ClosableDescriptor(descriptor)
        self.isSocket = isSocket
        blocks = Atomic(isBlocking)
        isReadable = readable
        isWritable = writable
        self.descriptorLimit = descriptorLimit
    }

    /// Two connections to each other, as CPython's and billiard's `Pipe`.
    ///
    /// - Parameters:
    ///   - duplex: Whether both send and receive; otherwise the first only receives and the second only sends.
    ///   - firstBlocks: Whether the first is blocking; billiard's `rnonblock` is the opposite.
    ///   - secondBlocks: Whether the second is blocking; billiard's `wnonblock` is the opposite.
    public static func pipe(
        duplex: Bool = true, firstBlocks: Bool = true, secondBlocks: Bool = true
    ) throws(FramingError) -> (Connection, Connection) {
        let connections = try duplex ? socketPair() : oneWayPipe()
        if !firstBlocks { try connections.0.setBlocking(false) }
        if !secondBlocks { try connections.1.setBlocking(false) }
        return connections
    }

    private static func socketPair() throws(FramingError) -> (Connection, Connection) {
        let pair = try framing { () throws(Errno) in try SocketPair() }
        return (Connection(pair.first, isSocket: true), Connection(pair.second, isSocket: true))
    }

    private static func oneWayPipe() throws(FramingError) -> (Connection, Connection) {
        let pipe = try framing { () throws(Errno) in try Pipe() }
        return (
            Connection(pipe.readEnd, isSocket: false, writable: false),
            Connection(pipe.writeEnd, isSocket: false, readable: false)
        )
    }

    // MARK: Blocking

    /// Whether calls without a deadline wait.
    public var isBlocking: Bool { blocks.load(ordering: .relaxed) }

    /// Chooses whether calls without a deadline wait (`true`), or do what can be done at once (`false`).
    ///
    /// The mode belongs to the open file, and so to every process that shares it; calls with a deadline keep it in either.
    /// - Throws: `FramingError.closed`.
    ///
    /// The corresponding C function is `fcntl` with `F_SETFL`.
    public func setBlocking(_ blocking: Bool) throws(FramingError) {
        try closable.withDescriptor { descriptor throws(FramingError) in
            try framing { () throws(Errno) in try descriptor.setBlocking(blocking) }
        }
        blocks.store(blocking, ordering: .relaxed)
    }

    /// What a call's deadline is when it was given this one.
    func resolved(_ deadline: Deadline?) -> Deadline {
        deadline ?? (isBlocking ? .never : .now)
    }

    // MARK: The descriptor

    /// Closes the connection; every later use is `FramingError.closed`. Safe to call from any thread and again.
    ///
    /// A call that waits on a socket is woken; one that waits on a pipe goes on waiting until its peer acts.
    public func close() {
        closable.close()
    }

    /// Whether it was closed at this side.
    public var isClosed: Bool { closable.isClosed }

    /// Runs a call on the connection's descriptor, which stays the connection's.
    ///
    /// - Throws: `FramingError.closed`.
    public func withDescriptor<Result: ~Copyable>(
        _ body: (FileDescriptor) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        try closable.withDescriptor { descriptor throws(FramingError) in try body(descriptor) }
    }

    /// Gives the descriptor up, to be used in another way or sent elsewhere; the connection is closed then.
    ///
    /// - Throws: `FramingError.hasReadAhead` when bytes or descriptors beyond the last message were read already;
    ///   `.sendUnderWay` when a part of a message was sent; `.closed` when the connection is closed or in use.
    public func takeDescriptor() throws(FramingError) -> OwnedFileDescriptor {
        try betweenMessages { () throws(FramingError) in
            guard let descriptor = closable.take() else { throw .closed }
            return descriptor
        }
    }

    /// Runs a call while the descriptor alone is all of the connection, and throws when it is not.
    func betweenMessages<Result: ~Copyable>(
        _ body: () throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        // A thread that is receiving or sending is a use.
        guard !isClosed, receiving.lock(until: .now) else { throw .closed }
        defer { receiving.unlock() }
        guard sending.lock(until: .now) else { throw .closed }
        defer { sending.unlock() }
        let ahead = inbox.decoder.bufferedByteCount + inbox.descriptors.count
        guard ahead == 0 else { throw .hasReadAhead(bytes: ahead) }
        if let (sent, total) = outbox.underWay { throw .sendUnderWay(bytes: sent, of: total) }
        return try body()
    }

    /// The peer's address; a Unix client's is usually without a path.
    ///
    /// The corresponding C function is `getpeername`.
    public func peerAddress() throws(FramingError) -> Address {
        try closable.withDescriptor { descriptor throws(FramingError) in
            try framing { () throws(Errno) in Address(try descriptor.peerAddress()) }
        }
    }
}
