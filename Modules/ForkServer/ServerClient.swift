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
    /// Its write end is open as long as the client or this server lives: see `ForkedChild.watch`.
    private let sentinel: Pipe
    /// For the next child to watch it by: opening it takes time that nobody waits for after a fork.
    private var nextWatch = DescriptorBatch()
    let gracePeriod: Duration
    /// Those that go with it.
    private var children: [ProcessID: ServerChild] = [:]
    /// Whether it asks for nothing any more.
    private(set) var isRetired = false
    /// What its children get now that it is gone.
    private var farewell: Signal?
    var isGone: Bool { farewell != nil }

    init(process: ProcessID, connection: Connection, sentinel: consuming Pipe, gracePeriod: Duration) {
        self.process = process
        self.connection = connection
        self.sentinel = sentinel
        self.gracePeriod = gracePeriod
    }

    /// Whether the server has nothing to do for it any more.
    var isDone: Bool { isRetired && children.isEmpty }
    var childCount: Int { children.count }

    /// What a child watches the sentinel by: an open file of its own. Empty where there is no such thing.
    func takeWatch() throws(Errno) -> DescriptorBatch {
        #if os(Linux)
            if nextWatch.isEmpty { nextWatch.append(try sentinel.readEnd.descriptor.reopenForReading()) }
            return nextWatch.takeFirst(1)
        #else
            return DescriptorBatch()
        #endif
    }

    /// Has the next one ready.
    func prepareWatch() {
        #if os(Linux)
            guard nextWatch.isEmpty, let watch = try? sentinel.readEnd.descriptor.reopenForReading() else { return }
            nextWatch.append(watch)
        #endif
    }

    func add(_ child: ServerChild) {
        children[child.process] = child
        if let farewell { child.send(farewell) }
    }
    func remove(_ child: ServerChild) { children[child.process] = nil }

    /// It has another server: this one stays for the children that it has.
    func retire() { isRetired = true }

    /// The client is gone, and its children are to go too: asked first, and killed after the grace period.
    func end(in reactor: Reactor) {
        isRetired = true
        connection.close()
        sayFarewell(.terminate)
        reactor.addTimer(after: gracePeriod) { [self] in sayFarewell(.kill) }
    }

    private func sayFarewell(_ signal: Signal) {
        farewell = signal
        for child in children.values { child.send(signal) }
    }
}
