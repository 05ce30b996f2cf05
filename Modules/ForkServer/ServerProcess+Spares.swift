import FDPassing
import Framing
import Reactor
import Syscalls

/// The server's parked children.
extension ServerProcess {
    /// How long a parked child may take to take an order. One that was stopped does not, and its order goes to another.
    private static let activationTimeout = Duration.seconds(2)

    /// Has another forked, or one dismissed: at once if there is none any more, or when nothing has been done for a moment.
    func replenishSpares() {
        if mayLackSpare, spares.areMissing { changeSpares() }
        mayLackSpare = false
        guard spareTimer == nil, let next = spares.nextChange(programTypes.all.count, after: lastActivity) else {
            return
        }
        spareTimer = reactor.addTimer(after: next.remaining ?? .zero) { [unowned self] in
            spareTimer = nil
            if (lastActivity + Spares.idleTime).hasPassed { changeSpares() }
        }
    }

    /// Forks one, or dismisses one: one at a time, so that a request is served in between.
    private func changeSpares() {
        if let unwanted = spares.takeUnwanted(programTypes.all.count) {
            dismiss(unwanted)
        } else if spares.needsAnother {
            // One that cannot be had now is tried again later, and its lack costs a request only time.
            do throws(Errno) { try forkSpare() } catch { spares.couldNotBeForked() }
        }
        lastActivity = .now
    }

    private func forkSpare() throws(Errno) {
        guard try ServerStart.extraThreads() == nil, let claim = claims.take() else {
            throw .resourceTemporarilyUnavailable
        }
        do throws(Errno) {
            let pair = try SocketPair()
            let theirs = pair.second.descriptor
            if reserve.contains(theirs) { throw Errno.tooManyOpenFiles }
            let channel = Connection(socket: pair.second, descriptorLimit: ChildContext.descriptorLimit)
            channel.prepareReceiving()
            let place = ServerChild.Place(
                activation: Connection(socket: pair.first), claim: claim, likelyClient: clients.first,
                knownTypes: programTypes.all.count)
            let spare = SpareChild(
                inheritance, activation: theirs, channel: channel, claim: claim,
                likelyWatch: try place.likelyClient?.takeWatch() ?? DescriptorBatch(), types: programTypes.all)
            spares.add(try fork(.parked(place), spare) { spare.park() })
        } catch {
            claims.giveBack(claim)
            throw error
        }
    }

    private func dismiss(_ spare: ServerChild) {
        guard case .parked(let place) = spare.state else { return }
        spare.state = .dismissed
        place.activation.close()
    }

    /// Gives an order to a parked child. One that the child never takes is sent again by its client.
    func activate(_ spare: ServerChild, _ order: SpawnOrder, _ type: Int) {
        guard case .parked(let place) = spare.state else { return }
        // One that is prepared for another client closes what it watches that one by, and so must everybody else.
        if spare === forked, order.isDetached || order.client !== place.likelyClient { watchForked() }
        let bond: Activation.Bond =
            order.isDetached ? .detached : order.client === place.likelyClient ? .prepared : .given
        let message = Activation(type: Int32(type), client: order.client.process, bond: bond)
        spare.state = .activating(order, place, .after(Self.activationTimeout))
        activating.append(spare)
        mayLackSpare = true
        if settleTimer == nil { settleLater(after: .milliseconds(1)) }
        place.claim.offer()
        do {
            let watch = bond == .given ? try order.client.takeWatch() : DescriptorBatch()
            try place.activation.withDescriptor { descriptor throws(FramingError) in
                try framing { () throws(Errno) in
                    try message.send(over: descriptor, passing: order.childDescriptors + watch.remaining)
                }
            }
        } catch {
            // It is dead, or as good as that; its end says the rest.
            spare.send(.kill)
        }
        // From now on the other end tells the client of the child's death.
        order.channel.close()
        letChildRun()
    }

    private func settleLater(after delay: Duration) {
        settleTimer = reactor.addTimer(after: delay) { [unowned self] in
            settleTimer = nil
            settleActivations()
            if !activating.isEmpty { settleLater(after: min(delay * 2, .milliseconds(100))) }
        }
    }

    /// Looks which orders have been taken, and gives up those that were not in time.
    func settleActivations() {
        for spare in activating {
            guard case .activating(let order, let place, let deadline) = spare.state else { continue }
            if place.claim.isTaken {
                hasTaken(order, spare, place)
            } else if deadline.hasPassed, place.claim.revoke() {
                spare.send(.kill)
                spare.state = .dismissed
                place.activation.close()
                spares.hasDied(spare)
                order.refuse(.notTaken)
            }
        }
        activating.removeAll { spare in
            if case .activating = spare.state { false } else { true }
        }
    }

    /// Whether a client may still get a child by an order that it gave.
    func hasOrders(of client: ServerClient) -> Bool {
        orders.contains { $0.client === client }
            || activating.contains {
                if case .activating(let order, _, _) = $0.state { order.client === client } else { false }
            }
    }

    /// What becomes of the order of a child that has ended since it was told: the child had taken it, or its client sends it again.
    func settleOrder(of spare: ServerChild, _ order: SpawnOrder, _ place: ServerChild.Place) {
        activating.removeAll { $0 === spare }
        if place.claim.isTaken { return hasTaken(order, spare, place) }
        spare.state = .dismissed
        place.activation.close()
        spares.hasDied(spare)
        order.refuse(.notTaken)
    }

    /// The order is the child's, which runs by itself.
    private func hasTaken(_ order: SpawnOrder, _ spare: ServerChild, _ place: ServerChild.Place) {
        place.activation.close()
        activationCount += 1
        spares.hasServed()
        spare.state = .running(status: order.status)
        hasBegun(spare, order)
    }
}
