import AsyncFraming
import Framing
import Syscalls

extension ForkServer {
    /// Starts a fresh server, which takes over: new preloads, a new build of a named executable. Children of the old one live
    /// on, and it ends with the last of them.
    ///
    /// - Parameter options: `nil` are those that there are.
    /// - Throws: Why the fresh one could not be started; the old one goes on then.
    @available(*, noasync, message: "use the async reload")
    public func reload(_ options: Options? = nil) throws(ForkServerError) {
        try reloadBlocking(options)
    }

    /// Starts a fresh server, which takes over, without blocking a thread of the caller's.
    public func reload(_ options: Options? = nil) async throws(ForkServerError) {
        try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
            try self.reloadBlocking(options)
        }
    }

    private func reloadBlocking(_ options: Options?) throws(ForkServerError) {
        _ = starting.lock(until: .never)
        defer { starting.unlock() }
        let former: Options = state.withLock { state in
            defer {
                state.options = options ?? state.options
                state.executable = nil
            }
            return state.options
        }
        let fresh: RunningServer
        do throws(ForkServerError) {
            fresh = try startServer(after: state.withLock { $0.running }, until: .never)
        } catch {
            state.withLock { $0.options = former }
            throw error
        }
        let old: RunningServer? = state.withLock { state in
            let old = state.running
            state.running = fresh
            if let old { state.retired.append(old) }
            return old
        }
        guard let old else { return }
        old.retire()
        try? onDetachedThread { [weak self] in
            old.reap()
            self?.state.withLock { $0.retired.removeAll { $0 === old } }
        }
    }

    /// Ends the server and the children it was asked for, and waits until it is gone.
    ///
    /// Later uses are `ForkServerError.shutDown`. Safe to call again.
    @available(*, noasync, message: "use the async shutDown()")
    public func shutDown() {
        shutDownBlocking()
    }

    /// Ends the server and the children it was asked for, and waits until it is gone, without blocking a thread of the caller's.
    public func shutDown() async {
        do {
            try await onThreadOfItsOwn(failing: ForkServerError.system) { () throws(ForkServerError) in
                self.shutDownBlocking()
            }
        } catch {
            // Without a thread for it: better late than never.
            shutDownBlocking()
        }
    }

    private func shutDownBlocking() {
        state.withLock { state in
            state.isShutDown = true
            state.sentinel = nil
        }
        // One that is being started is ended by who starts it.
        _ = starting.lock(until: .never)
        starting.unlock()
        let servers = state.withLock { $0.takeServers() }
        for server in servers { server.disconnectAndReap() }
    }
}
