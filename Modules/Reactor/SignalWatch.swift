import CSyscalls
import Syscalls

/// The signals that a reactor is told of.
///
/// A C handler counts them and rings the reactor's bell; it does nothing in a forked process until that has watched them
/// again, so that the parent never hears of the child's signals.
final class SignalWatch {
    private var handlers: [Signal: () -> Void] = [:]

    deinit {
        for signal in handlers.keys { csys_unwatch_signal(signal.rawValue) }
    }

    func add(_ signal: Signal, waker: Waker, _ handler: @escaping () -> Void) throws(Errno) {
        if handlers[signal] == nil {
            try checked(csys_watch_signal(signal.rawValue, waker.writeEnd.rawValue))
        }
        handlers[signal] = handler
    }

    /// Returns the handler, for the caller to let go of: what it holds may use the reactor in its `deinit`.
    @discardableResult
    func remove(_ signal: Signal) -> (() -> Void)? {
        guard let handler = handlers.removeValue(forKey: signal) else { return nil }
        csys_unwatch_signal(signal.rawValue)
        return handler
    }

    func removeAll() -> [Signal: () -> Void] {
        let former = handlers
        for signal in former.keys { csys_unwatch_signal(signal.rawValue) }
        handlers = [:]
        return former
    }

    /// In a forked process: its signals ring its own bell.
    func watchAgain(with waker: Waker) {
        for signal in handlers.keys { csys_rewatch_signal(signal.rawValue, waker.writeEnd.rawValue) }
    }

    func deliver() {
        if handlers.isEmpty { return }
        for signal in handlers.keys.sorted(by: { $0.rawValue < $1.rawValue })
        where csys_take_signal(signal.rawValue) > 0 {
            // The handler of one may have removed another.
            handlers[signal]?()
        }
    }
}

extension Reactor {
    /// Calls a handler after a signal has come to this process, instead of what the process did at it before.
    ///
    /// Several that come before the handler is called are one. Threads that have it blocked, such as this package's own,
    /// do not receive it: at least one other thread is to. Adding it again replaces the handler.
    /// - Throws: `Errno.resourceBusy` when another reactor of the process watches it; `.invalidArgument` for one that can
    ///   have no handler.
    ///
    /// The corresponding C function is `sigaction`.
    public func addSignal(_ signal: Signal, _ handler: @escaping () -> Void) throws(Errno) {
        try signals.add(signal, waker: waker, handler)
    }

    /// Puts back what the process did at the signal before it was added. One that is not watched is no error.
    public func removeSignal(_ signal: Signal) {
        signals.remove(signal)
    }
}
