import Framing
import Reactor
import Syscalls

/// The server's parked children.
extension ServerProcess {
    /// How long a parked child may take to answer. One that was stopped does not, and its request goes to another.
    private static let activationTimeout = Duration.seconds(2)

    /// Has another forked, or one dismissed, when nothing has been done for a moment.
    func scheduleSpares() {
        guard spareTimer == nil, let delay = spares.timeToNextChange else { return }
        let before = activityCount
        spareTimer = reactor.addTimer(after: delay) { [unowned self] in
            spareTimer = nil
            if activityCount == before { changeSpares() }
        }
    }

    /// Forks one, or dismisses one: one at a time, so that a request is served in between.
    private func changeSpares() {
        if let unwanted = spares.takeUnwanted() {
            if case .parked(let activation, _) = unwanted.state { close(activation) }
            unwanted.state = .dismissed
        } else if spares.needsAnother {
            // One that cannot be had now is tried again later, and its lack costs a request only time.
            try? forkSpare()
        }
    }

    private func forkSpare() throws(Errno) {
        guard try ServerStart.extraThreads() == nil else { return }
        let pair = try SocketPair()
        let theirs = pair.second.descriptor
        let far = Connection(socket: pair.second, descriptorLimit: Activation.descriptorCount)
        let activation = Connection(socket: pair.first)
        let spare = SpareChild(inheritance, activation: far, theirs, types: programTypes)
        let child = try fork(.parked(activation: activation, generation: spares.generation)) { spare.park() }
        far.close()
        do {
            try activation.withDescriptor { descriptor throws(FramingError) in
                try framing { () throws(Errno) in
                    try reactor.addReader(descriptor) { [unowned self, unowned child] _ in hasAnswered(child) }
                }
            }
            spares.add(child)
        } catch {
            // Its answer would not be heard.
            activation.close()
            child.state = .dismissed
        }
    }

    /// Gives an order to a parked child. It stays the server's until the child has said that it took it.
    func activate(_ spare: ServerChild, _ order: SpawnOrder) {
        guard case .parked(let activation, _) = spare.state else { return }
        let message = Activation(
            typeName: order.typeName, client: order.client.process, isDetached: order.isDetached)
        let timeout = reactor.addTimer(after: Self.activationTimeout) { [unowned spare] in spare.send(.kill) }
        spare.state = .activating(order, activation: activation, timeout: timeout)
        do {
            try activation.send(message: message, passing: order.descriptors, until: .now)
        } catch {
            // It is dead, or as good as that; its end gives the order back.
            spare.send(.kill)
        }
    }

    private func hasAnswered(_ spare: ServerChild) {
        switch spare.state {
        case .activating(let order, let activation, let timeout):
            if !hasTaken(order, spare, activation, timeout) { stopReading(activation) }
        case .parked(let activation, _): stopReading(activation)
        case .running, .serving, .dismissed: break
        }
    }

    /// Whether a child has said that it took the order, which it runs by itself then.
    func hasTaken(_ order: SpawnOrder, _ spare: ServerChild, _ activation: Connection, _ timeout: TimerID) -> Bool {
        // At the end of the stream it has died, which its own descriptor will tell.
        guard (try? activation.receive(until: .now)) != nil else { return false }
        reactor.cancelTimer(timeout)
        close(activation)
        activationCount += 1
        spares.hasServed()
        order.channel.close()
        spare.state = .running(status: order.status, wasParked: true)
        hasBegun(spare, order)
        return true
    }

    func close(_ activation: Connection) {
        stopReading(activation)
        activation.close()
    }

    private func stopReading(_ activation: Connection) {
        try? activation.withDescriptor { reactor.removeReader($0) }
    }
}
