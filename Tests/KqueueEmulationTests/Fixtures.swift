import KqueueEmulation
import ReactorConformance
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

/// What a test makes, kept until its end.
final class Workbench {
    private var ends: [End] = []

    func keep(_ owned: consuming OwnedFileDescriptor) -> End {
        let end = End(owned)
        ends.append(end)
        return end
    }

    func pipe() throws -> Channel { keep(try Channel.pipe()) }

    func sockets() throws -> Channel { keep(try Channel.sockets()) }

    private func keep(_ channel: Channel) -> Channel {
        ends += [channel.near, channel.far]
        return channel
    }

    func duplicateAtPrivateNumber(_ end: End) throws -> End {
        let duplicate = try ReactorConformance.duplicateAtPrivateNumber(end.descriptor)
        ends.append(duplicate)
        return duplicate
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
