import KqueueEmulation
import Syscalls
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// The tests say what kqueue(2) says. Before the colon of a test's name is where in the manual page (FreeBSD 14, and where
// that is said macOS) the sentence is that it checks. Where there is a kernel's own kqueue, they check that.

#if os(Linux)
    typealias TestedKqueue = EmulatedKqueue
#else
    typealias TestedKqueue = Kqueue
#endif

extension KqueueKernel {
    /// Makes changes, and fetches nothing.
    func change(_ changes: KernelEvent...) throws(Errno) {
        var none: [KernelEvent] = []
        try kevent(changes, into: &none, upTo: 0, timeout: nil)
    }

    /// What has happened by now.
    func look(upTo count: Int = 16) throws(Errno) -> [KernelEvent] {
        try answer(to: [], upTo: count)
    }

    /// Makes changes, and gives what they and the look after them bring.
    func answer(to changes: [KernelEvent], upTo count: Int = 16) throws(Errno) -> [KernelEvent] {
        var events: [KernelEvent] = []
        try kevent(changes, into: &events, upTo: count, timeout: .zero)
        return events
    }

    /// Waits for what happens next.
    func next(upTo count: Int = 16) throws(Errno) -> [KernelEvent] {
        var events: [KernelEvent] = []
        try kevent([], into: &events, upTo: count, timeout: Deadline.generous.remaining)
        return events
    }

    /// Waits for an end of file. It is not there as soon as an end is closed: a process that another test starts has a copy
    /// until its exec.
    func nextEndOfFile() throws(Errno) -> KernelEvent {
        while true {
            let events = try next()
            if let event = events.first(where: { $0.flags.contains(.endOfFile) }) { return event }
            if events.isEmpty { throw .timedOut }
        }
    }
}

/// A descriptor that tests can close when they like.
final class End {
    let descriptor: FileDescriptor
    private var owned: OwnedFileDescriptor?

    init(_ owned: consuming OwnedFileDescriptor) {
        descriptor = owned.descriptor
        self.owned = consume owned
    }

    func close() {
        owned = nil
    }

    /// Puts another open file under the number, and so closes the one that had it. See dup2(2).
    func becomeDuplicate(of other: End) throws {
        guard dup2(other.descriptor.rawValue, descriptor.rawValue) != -1 else { throw Errno(rawValue: errno) }
    }

    func write(_ text: String) throws {
        try descriptor.writeAll(text)
    }

    func read(upTo count: Int = 65536) throws -> String {
        String(decoding: try descriptor.read(upTo: count), as: UTF8.self)
    }

    /// Writes until the kernel takes no more.
    func fill() throws {
        try descriptor.setBlocking(false)
        defer { try? descriptor.setBlocking(true) }
        let block = [UInt8](repeating: 0, count: 4096)
        do {
            while true { _ = try block.withUnsafeBytes { try descriptor.write($0) } }
        } catch let error as Errno where error == .resourceTemporarilyUnavailable {
        }
    }
}

/// Two ends that are connected: the reading and the writing one of a pipe, or two sockets.
struct Channel {
    let near: End
    let far: End
}

/// What a test makes, kept until its end.
final class Workbench {
    private var ends: [End] = []

    func keep(_ owned: consuming OwnedFileDescriptor) -> End {
        let end = End(owned)
        ends.append(end)
        return end
    }

    func pipe() throws -> Channel {
        let pipe = try Pipe()
        return Channel(near: keep(pipe.readEnd), far: keep(pipe.writeEnd))
    }

    func sockets() throws -> Channel {
        let pair = try SocketPair()
        return Channel(near: keep(pair.first), far: keep(pair.second))
    }

    /// A duplicate under a number that nobody else in the test runner uses: after its end is closed, the number surely names
    /// nothing, whatever the tests that run beside this one open.
    func duplicateAtPrivateNumber(_ end: End) throws -> End {
        let number = try privateNumbers.withLock { count in
            count += 1
            return CInt(min(try ResourceLimit.current(.openFiles).soft ?? 8192, 8192)) / 2 - count
        }
        return try duplicate(end, at: FileDescriptor(rawValue: number))
    }

    /// A duplicate under a number that is free.
    func duplicate(_ end: End, at number: FileDescriptor) throws -> End {
        guard dup2(end.descriptor.rawValue, number.rawValue) != -1 else { throw Errno(rawValue: errno) }
        return keep(OwnedFileDescriptor(owning: number.rawValue))
    }

    func duplicate(_ end: End) throws -> End { keep(try end.descriptor.duplicate()) }

    /// A TCP socket with an address of this host.
    func boundSocket() throws -> End {
        let socket = keep(try OwnedFileDescriptor.socket(family: AF_INET))
        try socket.descriptor.bind(to: try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0])
        return socket
    }

    /// A TCP connection within this host.
    func connection() throws -> Channel {
        let listener = try boundSocket()
        try listener.descriptor.listen(backlog: 1)
        let near = keep(try OwnedFileDescriptor.socket(family: AF_INET))
        try near.descriptor.connect(to: try listener.descriptor.localAddress())
        return Channel(near: near, far: try accept(listener))
    }

    func accept(_ listener: End) throws -> End {
        let accepted = try listener.descriptor.accept()
        return keep(accepted.socket)
    }
}

private let privateNumbers = Lock<CInt>(0)
