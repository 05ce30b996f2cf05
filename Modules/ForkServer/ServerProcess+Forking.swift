import FDPassing
import Framing
import Reactor
import Syscalls

/// The server's children, from the fork to their ends.
extension ServerProcess {
    /// Forks a child. It is watched when nothing is to be done any more that somebody waits for, or when the next one is forked.
    ///
    /// - Parameters:
    ///   - state: Made after the fork: what is held over it the child would have to let go.
    ///   - preparation: What was made for the child. It goes when the child is watched: until then some descriptors of the child's are
    ///     open here, too.
    ///   - run: What the child does; it does not return.
    func fork(
        _ state: @autoclosure () -> ServerChild.State, _ preparation: AnyObject? = nil, _ run: () -> Never
    ) throws(Errno) -> ServerChild {
        watchForked()
        flushStandardStreams()
        let start = Deadline.now
        switch try forkProcess() {
        case .child:
            run()
        case .parent(let process):
            let time = Deadline.now - start
            let child = ServerChild(process, state())
            forked = child
            forkedWith = preparation
            spares.noteFork(taking: time)
            forkCount += 1
            return child
        }
    }

    /// Lets a child run that somebody waits for: what is still to be done here can wait, and where both have the same memory to write
    /// to, it is the first who has to copy it.
    func letChildRun() {
        if orders.isEmpty { yieldProcessor() }
    }

    /// Has the reactor watch the child that was forked last.
    func watchForked() {
        guard let child = forked else { return }
        forked = nil
        forkedWith = nil
        children[child.process] = child
        do throws(Errno) {
            try child.watch(in: reactor) { [unowned self, unowned child] in ended(child, $0) }
        } catch {
            // Nobody could tell of its end, so that is now, unless something else has reaped it, such as a handler of a preload's: then
            // its number is nobody's, or a stranger's.
            if error != .noSuchProcess { child.send(.kill) }
            ended(child, (try? child.process.wait()) ?? .unknown)
        }
    }

    func fork(_ order: SpawnOrder, _ type: any ChildProgram.Type) {
        do throws(Errno) {
            if let threads = try ServerStart.extraThreads() {
                return order.refuse(.notSingleThreaded(threads: threads))
            }
            let watch = order.isDetached ? DescriptorBatch() : try order.client.takeWatch()
            let watched = watch.remaining
            order.channel.prepareReceiving()
            let start = ForkedChild(inheritance, keeping: order.childDescriptors + watched)
            let context = ChildContext(clientProcess: order.client.process, connection: order.channel)
            let child = try fork(.running(status: order.status), start) {
                start.run(type, in: context, status: order.statusDescriptor, watch: watched.first)
            }
            // From now on its other end tells the client of the child's death.
            order.channel.close()
            letChildRun()
            hasBegun(child, order)
        } catch {
            order.refuse(.forkFailed(error))
        }
    }

    /// The order is the child's from now on.
    func hasBegun(_ child: ServerChild, _ order: SpawnOrder) {
        if !order.isDetached { order.client.add(child) }
    }

    private func ended(_ child: ServerChild, _ status: ExitStatus) {
        lastActivity = .now
        children[child.process] = nil
        // It may have taken the order that it was told of.
        if case .activating(let order, let place, _) = child.state { settleOrder(of: child, order, place) }
        child.claim.map(claims.giveBack)
        switch child.state {
        case .running(let channel):
            mayLackSpare = true
            try? ChildStatus.ended(status).send(over: channel)
            channel.close()
            for client in clients { client.remove(child) }
        case .parked(let place):
            place.activation.close()
            spares.hasDied(child)
        case .serving(let channel):
            channel.write(status.returnCode)
            address?.remove(child)
        case .activating, .dismissed: break
        }
    }
}
