import FDPassing
import Framing
import Reactor
import Syscalls

/// A client of the server: its control connection, and the children that it has asked for.
final class ServerClient {
    /// Descriptors of requests that were read ahead. A client that sends more at once than this is disconnected.
    static let descriptorLimit = 4096
    /// Of a request, whose status channel is one more.
    static let mostDescriptorsARequest = descriptorLimit - 1

    let process: ProcessID
    let connection: Connection
    /// Children watch the read end; the write end is open as long as the client or this server lives.
    let sentinel: Pipe
    private let gracePeriod: Duration
    /// Those that run, or have ended and were not reaped yet: their numbers are still theirs.
    private var children: Set<ProcessID> = []
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
        let ended = { [unowned self] (exitStatus: ExitStatus) in
            children.remove(child)
            // A client that is gone, or does not listen any more, is not waited for.
            try? status.send(message: ChildStatus.ended(exitStatus), until: .now)
            status.close()
            ended()
        }
        #if os(Linux)
            // Opened before anybody could reap the child, so it is surely the child's.
            let descriptor = try ProcessDescriptor(of: child)
            try? status.send(message: ChildStatus.started(child), passing: [descriptor.descriptor], until: .now)
            try reactor.addChild(child, descriptor, ended)
        #else
            try? status.send(message: ChildStatus.started(child), until: .now)
            try reactor.addChild(child, ended)
        #endif
        children.insert(child)
    }

    /// The client is gone, and its children are to go too: asked first, and killed after the grace period.
    func killChildren(in reactor: Reactor) {
        hasEnded = true
        connection.close()
        for child in children { try? child.send(.terminate) }
        guard hasChildren else { return }
        reactor.addTimer(after: gracePeriod) { [self] in
            for child in children { try? child.send(.kill) }
        }
    }
}
