import FDPassing
import Framing
import ProcessRoles
import Reactor
import ResourceTracker
import Syscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The fork server itself: one thread that reads requests, forks, and tells how children ended.
///
/// Nothing on this path may touch Dispatch, Swift Concurrency or Foundation: a forked child has only the thread that
/// forked, and whatever another one had locked stays locked.
final class ServerProcess {
    static let role = ProcessRole(name: "fork server") { run() }

    let reactor: Reactor
    let inheritance: ForkedChild.Inheritance
    /// Where children introduce themselves that want to be clients.
    private let registration: FileDescriptor
    let reserve: DescriptorReserve
    private(set) var clients: [ServerClient] = []
    var address: ServerAddress?
    var children: [ProcessID: ServerChild] = [:]
    /// The one that was forked last, as long as it is not watched, nor among `children`.
    var forked: ServerChild?
    /// What was made for it, with the server's ends of what the child has alone from then on. Memory that is given back after a fork is
    /// memory written to, whose pages are copied then: that can wait.
    var forkedWith: AnyObject?
    let spares: Spares
    var spareTimer: TimerID?
    var settleTimer: TimerID?
    var forkCount = 0
    let claims: Claims
    /// Those that may have taken an order.
    var activating: [ServerChild] = []
    var activationCount = 0
    /// Whether a spare was taken, or a child has ended, since spares were last looked after.
    var mayLackSpare = false
    /// When an order was served last, or a child has ended.
    var lastActivity = Deadline.now
    /// Those that were read and not served: they are in the main loop, where nothing is half done.
    var orders: [SpawnOrder] = []
    var programTypes = ProgramTypes()

    init(
        reactor: Reactor, inheritance: ForkedChild.Inheritance, registration: FileDescriptor, spares: Spares
    ) throws(Errno) {
        self.reactor = reactor
        self.inheritance = inheritance
        self.registration = registration
        self.spares = spares
        claims = try Claims()
        // Enough for what is done at a time: a request, a fork, a look at the threads.
        reserve = try DescriptorReserve(16, share: 8)
        try reactor.addReader(registration) { [unowned self] _ in readIntroductions() }
    }

    private static func run() -> Never {
        do {
            try ServerStart.perform()?.serve()
        } catch {
            // The client is gone, or cannot be told in any other way.
            standardErrorLine("fork server: \(error)")
            exit(1)
        }
        exit(0)
    }

    // MARK: Serving

    /// Serves until the last client and its children are gone, and nobody keeps the address open.
    private func serve() throws(Errno) {
        defer { spares.endAll() }
        while true {
            removeDoneClients()
            guard !clients.isEmpty || address?.isInUse == true else { return }
            // One a round, so that the ends of children are told in between.
            if !orders.isEmpty { serve(orders.removeFirst()) }
            if let request = address?.takeRequest() { fork(request) }
            if orders.isEmpty { replenishSpares() }
            if let forked {
                // What has come meanwhile is served first, also while a spare comes up.
                try reactor.runOnce(timeout: .zero)
                if orders.isEmpty, forked.isParked {
                    yieldProcessor()
                    try reactor.runOnce(timeout: .zero)
                }
                if orders.isEmpty { prepareForNext() }
            } else {
                try reactor.runOnce(timeout: orders.isEmpty ? nil : .zero)
            }
        }
    }

    /// Does what was put off.
    private func prepareForNext() {
        watchForked()
        clients.first?.prepareWatch()
    }

    private func serve(_ order: SpawnOrder) {
        lastActivity = .now
        guard let type = programTypes.number(of: order.typeName) else { return order.refuse(.typeUnknown) }
        if order.mayUseSpare, let spare = spares.take(knowing: type) {
            activate(spare, order, type)
        } else {
            fork(order, programTypes.all[type])
        }
    }

    // MARK: Clients

    func add(_ client: ServerClient) throws {
        try client.connection.withDescriptor { descriptor throws(FramingError) in
            try framing { () throws(Errno) in
                try reactor.addReader(descriptor) { [unowned self] _ in read(client, descriptor) }
            }
        }
        clients.append(client)
        // Ready when the server is, and not a moment later.
        clients.first?.prepareWatch()
    }

    private func read(_ client: ServerClient, _ descriptor: FileDescriptor) {
        do throws(FramingError) {
            try client.connection.receiveAvailable(toEnd: false) { bytes throws(FramingError) in
                guard let request = ServerRequest(bytes) else {
                    throw .closed
                }
                var descriptors: DescriptorBatch
                do throws(FramingError) {
                    descriptors = try client.connection.receiveDescriptors(request.descriptorCount)
                } catch {
                    // There was no room for them: its sender finds them closed.
                    if case .descriptors(.truncated) = error { return }
                    throw error
                }
                switch request {
                case .spawn(let typeName, let isDetached, let mayUseSpare):
                    let order = SpawnOrder(
                        typeName: typeName, isDetached: isDetached, mayUseSpare: mayUseSpare, client: client,
                        channel: descriptors.take(at: 0)!, status: descriptors.take(at: 1)!)
                    guard !order.uses(reserve) else {
                        return order.refuse(.forkFailed(.tooManyOpenFiles))
                    }
                    orders.append(order)
                case .statistics:
                    try? Connection(descriptors.take(at: 0)!).send(message: statistics, until: .now)
                case .abandon(let process):
                    settleActivations()
                    watchForked()
                    children[process]?.send(.kill)
                case .retire:
                    settleActivations()
                    client.retire()
                    leaveAddressToSuccessor()
                case .shutDown: address?.stopKeepingAlive()
                }
            }
        } catch {
            // A request that makes no sense costs its sender this connection, and nobody else anything.
            if !error.isDisconnection {
                standardErrorLine("fork server: a message from process \(client.process) is not understood")
            }
            reactor.removeReader(descriptor)
            orders.removeAll { $0.client === client }
            // What its spares have taken goes with it, too.
            settleActivations()
            client.end(in: reactor)
            endUnwantedAddress(gracePeriod: client.gracePeriod)
        }
    }

    private func removeDoneClients() {
        // One that has another server may yet shut this one down, with those who have come to the address.
        for client in clients
        where client.isDone && !hasOrders(of: client) && (client.isGone || address?.isInUse != true) {
            try? client.connection.withDescriptor { reactor.removeReader($0) }
            clients.removeAll { $0 === client }
        }
    }

    private func readIntroductions() {
        while var received = Introductions.next(on: registration) {
            if received.descriptors.remaining.contains(where: reserve.contains) { continue }
            let control = Connection(received.descriptors.take(at: 0)!, descriptorLimit: ServerClient.descriptorLimit)
            let sentinel = Pipe(
                readEnd: received.descriptors.take(at: 1)!, writeEnd: received.descriptors.take(at: 2)!)
            try? add(
                ServerClient(
                    process: received.introduction.client, connection: control, sentinel: sentinel,
                    gracePeriod: .milliseconds(received.introduction.gracePeriodMilliseconds)))
        }
    }

    // MARK: Statistics

    private var statistics: ForkServer.Statistics {
        settleActivations()
        var memory = (resident: 0, private: 0)
        var threads = 1
        #if os(Linux)
            memory.resident = (try? ProcessID.current.residentMemoryKiB()) ?? 0
            memory.private = (try? ProcessID.current.privateMemoryKiB()) ?? 0
            threads = (try? ProcessID.current.threadCount()) ?? 1
        #endif
        return ForkServer.Statistics(
            forks: forkCount, activations: activationCount,
            childrenRunning: clients.reduce(address?.childCount ?? 0) { $0 + $1.childCount },
            sparesReady: spares.readyCount(programTypes.all.count),
            forkTime: spares.forkTime ?? .zero, waitingRequests: orders.count, residentMemoryKiB: memory.resident,
            privateMemoryKiB: memory.private, threads: threads)
    }
}
