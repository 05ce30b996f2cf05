#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A set of signals. See sigsetops(3).
public struct SignalSet: Sendable, ExpressibleByArrayLiteral {
    package var set: sigset_t

    package init(_ set: sigset_t) {
        self.set = set
    }

    /// These signals and no others. The corresponding C functions are `sigemptyset` and `sigaddset`.
    public init(arrayLiteral signals: Signal...) {
        set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal.rawValue) }
    }

    /// Every signal. The corresponding C function is `sigfillset`.
    public static var all: SignalSet {
        var set = sigset_t()
        sigfillset(&set)
        return SignalSet(set)
    }

    /// Whether the signal is in the set. The corresponding C function is `sigismember`.
    public func contains(_ signal: Signal) -> Bool {
        var set = set
        return sigismember(&set, signal.rawValue) == 1
    }

    /// The signals blocked in the calling thread. The corresponding C function is `pthread_sigmask`.
    public static var blocked: SignalSet {
        var set = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &set)
        return SignalSet(set)
    }

    /// Makes these the signals blocked in the calling thread. The corresponding C function is `pthread_sigmask`.
    public func setAsMask() {
        var set = set
        pthread_sigmask(SIG_SETMASK, &set, nil)
    }

    /// Runs `body` with these signals blocked too, for the calling thread, and restores its mask afterwards.
    ///
    /// The corresponding C function is `pthread_sigmask`.
    public func whileBlocked<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var set = set
        var previous = sigset_t()
        pthread_sigmask(SIG_BLOCK, &set, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        return try body()
    }
}
