import FDPassing
import Framing
import Reactor
import Syscalls

/// A client of the server: its control connection, and the children that it has asked for.
final class ServerClient {
    /// Descriptors of requests that were read ahead. A client that sends more at once than this is disconnected.
    static let descriptorLimit = 4096

    let process: ProcessID
    let connection: Connection
    /// Children watch the read end; the write end is open as long as the client or this server lives.
    let sentinel: Pipe
    private let gracePeriod: Duration
    private var children: [ProcessID: ServedChild] = [:]
    private(set) var hasEnded = false

    init(process: ProcessID, connection: Connection, sentinel: consuming Pipe, gracePeriod: Duration) {
        self.process = process
        self.connection = connection
        self.sentinel = sentinel
        self.gracePeriod = gracePeriod
    }

    var hasChildren: Bool { !children.isEmpty }

    /// Tells the client that its child has started, and, when the time comes, how it ended.
    func watch(
        _ child: ProcessID, status: Connection, in reactor: Reactor, ended: @escaping () -> Void
    ) throws(Errno) {
        let served = ServedChild(process: child, status: status)
        try served.announce()
        children[child] = served
        try reactor.addChild(child) { [unowned self] exitStatus in
            children[child] = nil
            // A client that is gone, or does not listen any more, is not waited for.
            try? status.send(message: ChildStatus.ended(exitStatus), until: .now)
            status.close()
            ended()
        }
    }

    /// The client is gone, and its children are to go too: asked first, and killed after the grace period.
    func killChildren(in reactor: Reactor) {
        hasEnded = true
        connection.close()
        for child in children.values { try? child.process.send(.terminate) }
        guard hasChildren else { return }
        reactor.addTimer(after: gracePeriod) { [self] in
            // Those still in the books have not been reaped, so their numbers are still theirs.
            for child in children.values { try? child.process.send(.kill) }
        }
    }
}

/// A child that runs, or has ended and was not reaped yet.
private struct ServedChild {
    let process: ProcessID
    let status: Connection

    /// Sends the child's number, and its descriptor, which is opened before anybody could reap it.
    func announce() throws(Errno) {
        #if os(Linux)
            let descriptor = try ProcessDescriptor(of: process)
            try? status.send(message: ChildStatus.started(process), passing: [descriptor.descriptor], until: .now)
        #else
            try? status.send(message: ChildStatus.started(process), until: .now)
        #endif
    }
}
