import CSyscalls

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process's number. The kernel gives it to another process once this one has been reaped. See credentials(7).
public struct ProcessID: RawRepresentable, Hashable, Sendable, Codable {
    /// The number that C calls take. See credentials(7).
    public let rawValue: pid_t
    /// The process of a number that came from C or from another process. See credentials(7).
    public init(rawValue: pid_t) { self.rawValue = rawValue }

    /// This process. The corresponding C function is `getpid`.
    public static var current: ProcessID { ProcessID(rawValue: getpid()) }
    /// The process that started this one, or whoever adopted it. The corresponding C function is `getppid`.
    public static var parent: ProcessID { ProcessID(rawValue: getppid()) }

    /// Sends a signal to whatever process has the number now.
    ///
    /// Safe only for one's own children that one has not yet waited for; for others see `ProcessDescriptor`.
    /// The corresponding C function is `kill`.
    public func send(_ signal: Signal) throws(Errno) {
        try checked(systemKill(rawValue, signal.rawValue))
    }

    /// Whether a process has the number, a zombie included. The corresponding C function is `kill` with signal 0.
    public var exists: Bool {
        systemKill(rawValue, 0) == 0 || Errno.current == .notPermitted
    }

    /// Waits for a child to end, and reaps it.
    ///
    /// - Throws: `Errno.noChildProcess` when it is no child of this process or was reaped already.
    ///
    /// The corresponding C function is `waitpid`.
    public func wait() throws(Errno) -> ExitStatus {
        var status: CInt = 0
        _ = try retryingOnInterrupt { waitpid(rawValue, &status, 0) }
        return ExitStatus(waitStatus: status)
    }

    /// Reaps a child if it has ended; `nil` while it runs. The corresponding C function is `waitpid` with `WNOHANG`.
    public func poll() throws(Errno) -> ExitStatus? {
        var status: CInt = 0
        let reaped = try retryingOnInterrupt { waitpid(rawValue, &status, WNOHANG) }
        return reaped == 0 ? nil : ExitStatus(waitStatus: status)
    }
}

extension ProcessID: CustomStringConvertible {
    /// The number, for messages.
    public var description: String { "\(rawValue)" }
}

/// How a process ended. See wait(2).
public enum ExitStatus: Hashable, Sendable, Codable {
    /// It left by itself, with a code from 0 to 255.
    case exited(CInt)
    /// A signal ended it.
    case signaled(CInt, coreDumped: Bool)
    /// Nobody can tell any more: whoever reaped it is gone.
    case unknown

    /// Decodes what `waitpid` stores. See wait(2).
    public init(waitStatus status: CInt) {
        let signal = status & 0x7f
        self =
            signal == 0
            ? .exited((status >> 8) & 0xff) : .signaled(signal, coreDumped: status & 0x80 != 0)
    }

    /// Whether it left by itself with code 0. The corresponding C macros are `WIFEXITED` and `WEXITSTATUS`.
    public var isSuccess: Bool { self == .exited(0) }

    /// As CPython's `Process.exitcode` has it: the code, or minus the signal's number; 255 when unknown. See wait(2).
    public var returnCode: Int {
        switch self {
        case .exited(let code): Int(code)
        case .signaled(let signal, _): -Int(signal)
        case .unknown: 255
        }
    }
}

extension ExitStatus: CustomStringConvertible {
    /// For messages: `exited with code 3`, `killed by SIGKILL`. See wait(2).
    public var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .signaled(let signal, let coreDumped):
            "killed by \(Signal(rawValue: signal))\(coreDumped ? " (core dumped)" : "")"
        case .unknown: "ended in a way that nobody can tell any more"
        }
    }
}

private func systemKill(_ pid: pid_t, _ signal: CInt) -> CInt { kill(pid, signal) }
