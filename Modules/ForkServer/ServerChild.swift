import Framing
import Reactor
import Syscalls

/// A child of the server, from the fork until it was reaped.
final class ServerChild {
    let process: ProcessID
    #if os(Linux)
        /// Opened before anybody could reap the child, so it is surely the child's.
        private var descriptor: ProcessDescriptor?
    #endif
    var state: State
    /// Its own as long as it lives: it may write there until then.
    let claim: Claim?

    enum State {
        /// Waits to be told what to run.
        case parked(Place)
        /// Was told, and may have taken the order; until when it can.
        case activating(SpawnOrder, Place, Deadline)
        /// Runs for a client, which is told of its end.
        case running(status: Connection)
        /// Runs for a client that has come to the server's address.
        case serving(ForeignStatus)
        /// Is to end, and nobody asks how.
        case dismissed
    }

    /// Where a child is told, and where the two say who has what it was told.
    struct Place {
        let activation: Connection
        let claim: Claim
        /// Whose child it is prepared to be.
        let likelyClient: ServerClient?
        /// How many of the server's types it knows, which are the first ones.
        let knownTypes: Int
    }

    init(_ process: ProcessID, _ state: State) {
        self.process = process
        self.state = state
        if case .parked(let place) = state { claim = place.claim } else { claim = nil }
    }

    var isParked: Bool { if case .parked = state { true } else { false } }

    /// Of one that is parked.
    var knownTypes: Int { if case .parked(let place) = state { place.knownTypes } else { 0 } }

    func send(_ signal: Signal) {
        // It was not reaped, or this object would be gone: the number is still its own.
        try? process.send(signal)
    }

    /// Calls back when it has ended and was reaped.
    func watch(in reactor: Reactor, ended: @escaping (ExitStatus) -> Void) throws(Errno) {
        #if os(Linux)
            let own = try ProcessDescriptor(of: process)
            let number = own.descriptor
            descriptor = consume own
            try reactor.addReader(number) { [unowned reactor, unowned self] _ in
                let status: ExitStatus
                do throws(Errno) {
                    guard let known = try descriptor?.poll() else { return }
                    status = known
                } catch {
                    // Somebody else has reaped it, such as a handler of a preload's.
                    status = descriptor?.statusAfterReaping ?? .unknown
                }
                reactor.removeReader(number)
                ended(status)
            }
        #else
            try reactor.addChild(process, ended)
        #endif
    }
}

/// A request for a child, as it was read.
final class SpawnOrder {
    let typeName: String
    let isDetached: Bool
    /// Not when one was given it before, and did not take it.
    let mayUseSpare: Bool
    let client: ServerClient
    let status: Connection
    /// The child's end of its channel.
    let channel: Connection
    /// Those of channel and status, open for as long as these are.
    let childDescriptors: [FileDescriptor]
    var statusDescriptor: FileDescriptor { childDescriptors[1] }

    init(
        typeName: String, isDetached: Bool, mayUseSpare: Bool, client: ServerClient,
        channel: consuming OwnedFileDescriptor,
        status: consuming OwnedFileDescriptor
    ) {
        self.typeName = typeName
        self.isDetached = isDetached
        self.mayUseSpare = mayUseSpare
        self.client = client
        childDescriptors = [channel.descriptor, status.descriptor]
        self.channel = Connection(socket: channel, descriptorLimit: ChildContext.descriptorLimit)
        self.status = Connection(socket: status, readable: false)
    }

    /// Whether its descriptors are some that have to stay free.
    func uses(_ reserve: DescriptorReserve) -> Bool {
        childDescriptors.contains(where: reserve.contains)
    }

    func refuse(_ reason: ChildStatus) {
        try? reason.send(over: status)
        status.close()
        channel.close()
    }
}
