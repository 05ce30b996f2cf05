#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A signal's number. See signal(7).
public struct Signal: RawRepresentable, Hashable, Sendable, Codable {
    /// The number, as signal(7) has it.
    public let rawValue: CInt
    /// A signal of signal(7), such as a real-time one, that has no name here.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// The corresponding C constant is `SIGHUP`.
    public static var hangUp: Signal { Signal(rawValue: SIGHUP) }
    /// The corresponding C constant is `SIGINT`.
    public static var interrupt: Signal { Signal(rawValue: SIGINT) }
    /// The corresponding C constant is `SIGQUIT`.
    public static var quit: Signal { Signal(rawValue: SIGQUIT) }
    /// The corresponding C constant is `SIGILL`.
    public static var illegalInstruction: Signal { Signal(rawValue: SIGILL) }
    /// The corresponding C constant is `SIGTRAP`.
    public static var trap: Signal { Signal(rawValue: SIGTRAP) }
    /// The corresponding C constant is `SIGABRT`.
    public static var abort: Signal { Signal(rawValue: SIGABRT) }
    /// The corresponding C constant is `SIGBUS`.
    public static var bus: Signal { Signal(rawValue: SIGBUS) }
    /// The corresponding C constant is `SIGFPE`.
    public static var floatingPoint: Signal { Signal(rawValue: SIGFPE) }
    /// The corresponding C constant is `SIGKILL`.
    public static var kill: Signal { Signal(rawValue: SIGKILL) }
    /// The corresponding C constant is `SIGUSR1`.
    public static var user1: Signal { Signal(rawValue: SIGUSR1) }
    /// The corresponding C constant is `SIGSEGV`.
    public static var segmentationFault: Signal { Signal(rawValue: SIGSEGV) }
    /// The corresponding C constant is `SIGUSR2`.
    public static var user2: Signal { Signal(rawValue: SIGUSR2) }
    /// The corresponding C constant is `SIGPIPE`.
    public static var brokenPipe: Signal { Signal(rawValue: SIGPIPE) }
    /// The corresponding C constant is `SIGALRM`.
    public static var alarm: Signal { Signal(rawValue: SIGALRM) }
    /// The corresponding C constant is `SIGTERM`.
    public static var terminate: Signal { Signal(rawValue: SIGTERM) }
    /// The corresponding C constant is `SIGCHLD`.
    public static var child: Signal { Signal(rawValue: SIGCHLD) }
    /// The corresponding C constant is `SIGSTOP`.
    public static var stop: Signal { Signal(rawValue: SIGSTOP) }
    /// The corresponding C constant is `SIGCONT`.
    public static var resume: Signal { Signal(rawValue: SIGCONT) }

    /// Every number that a signal can have here, real-time ones included.
    package static var allNumbers: ClosedRange<CInt> { 1...64 }

    /// Ignores the signal in the whole process. The corresponding C function is `signal` with `SIG_IGN`.
    public func ignore() throws(Errno) {
        var action = sigaction()
        #if canImport(Glibc)
            action.__sigaction_handler.sa_handler = SIG_IGN
        #else
            action.__sigaction_u.__sa_handler = SIG_IGN
        #endif
        try checked(sigaction(rawValue, &action, nil))
    }

    /// Gives the signal its default effect again. The corresponding C function is `signal` with `SIG_DFL`.
    public func restoreDefault() throws(Errno) {
        var action = sigaction()
        #if canImport(Glibc)
            action.__sigaction_handler.sa_handler = SIG_DFL
        #else
            action.__sigaction_u.__sa_handler = SIG_DFL
        #endif
        try checked(sigaction(rawValue, &action, nil))
    }

    /// What the process does at the signal, to be put back by `restore`. The corresponding C function is `sigaction`.
    public func disposition() throws(Errno) -> SignalDisposition {
        var action = sigaction()
        try checked(sigaction(rawValue, nil, &action))
        return SignalDisposition(signal: self, action: action)
    }

    /// Runs `body` with a C function called at the signal, and restores what the process did at it before.
    ///
    /// For signals that can have a handler: not SIGKILL and SIGSTOP.
    /// The corresponding C function is `sigaction`.
    public func withHandler<Result: ~Copyable, Failure: Error>(
        _ handler: @escaping @convention(c) (CInt) -> Void, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let before = try? disposition(), (try? setHandler(handler)) != nil else {
            preconditionFailure("\(self) can have no handler: it is no signal, SIGKILL or SIGSTOP")
        }
        defer { try? before.restore() }
        return try body()
    }

    /// Calls a C function at the signal. It may only do what signal-safety(7) allows.
    ///
    /// Interrupted calls of this package go on. The corresponding C function is `sigaction`.
    public func setHandler(_ handler: @escaping @convention(c) (CInt) -> Void) throws(Errno) {
        var action = sigaction()
        #if canImport(Glibc)
            action.__sigaction_handler.sa_handler = handler
        #else
            action.__sigaction_u.__sa_handler = handler
        #endif
        try checked(sigaction(rawValue, &action, nil))
    }
}

extension Signal: CustomStringConvertible {
    /// The name, such as `SIGKILL`, or the number of one without a name here. See signal(7).
    public var description: String {
        Self.names[rawValue] ?? "signal \(rawValue)"
    }

    private static let names: [CInt: String] = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1",
        SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
        SIGCHLD: "SIGCHLD", SIGCONT: "SIGCONT", SIGSTOP: "SIGSTOP", SIGTSTP: "SIGTSTP", SIGTTIN: "SIGTTIN",
        SIGTTOU: "SIGTTOU", SIGURG: "SIGURG", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGVTALRM: "SIGVTALRM",
        SIGPROF: "SIGPROF", SIGWINCH: "SIGWINCH", SIGIO: "SIGIO", SIGSYS: "SIGSYS",
    ]
}

/// What a process did at a signal at some moment. See sigaction(2).
public struct SignalDisposition: Sendable {
    /// The signal that it is about. See signal(7).
    public let signal: Signal
    private let action: sigaction

    init(signal: Signal, action: sigaction) {
        self.signal = signal
        self.action = action
    }

    /// Puts it back. The corresponding C function is `sigaction`.
    public func restore() throws(Errno) {
        var action = action
        try checked(sigaction(signal.rawValue, &action, nil))
    }
}
