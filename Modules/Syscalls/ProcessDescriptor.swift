#if os(Linux)
    import CSyscalls
    import Glibc

    /// A descriptor of a process: it names that process for as long as it is open, also after its number was given away.
    ///
    /// Linux only. Readable (poll, epoll) once the process has ended. See pidfd_open(2).
    public struct ProcessDescriptor: ~Copyable, Sendable {
        /// The descriptor itself; it can be passed to another process. See pidfd_open(2).
        public let owned: OwnedFileDescriptor

        /// Takes over a process descriptor, such as one that was received. See pidfd_open(2).
        public init(owning descriptor: consuming OwnedFileDescriptor) {
            owned = descriptor
        }

        /// Opens the descriptor of a process.
        ///
        /// It is surely the process meant only when that is a child of the caller which nobody has waited for.
        /// - Throws: `Errno.noSuchProcess`, or `Errno.tooManyOpenFiles`.
        ///
        /// The corresponding C function is `pidfd_open`.
        public init(of process: ProcessID) throws(Errno) {
            owned = OwnedFileDescriptor(owning: try checked(csys_pidfd_open(process.rawValue)))
        }

        /// Opens one for a child of the caller that has just been started; without one it is killed and reaped, for nobody could
        /// wait for it.
        package init(ofChild process: ProcessID) throws(Errno) {
            do throws(Errno) {
                self = try ProcessDescriptor(of: process)
            } catch {
                try? process.send(.kill)
                _ = try? process.wait()
                throw error
            }
        }

        /// The borrowed descriptor, for waiting. See pidfd_open(2).
        public var descriptor: FileDescriptor { owned.descriptor }

        /// Gives the descriptor up: the caller owns it. See pidfd_open(2).
        public consuming func take() -> OwnedFileDescriptor { owned }

        /// Sends a signal to this very process.
        ///
        /// - Throws: `Errno.noSuchProcess` when it has ended and was reaped.
        ///
        /// The corresponding C function is `pidfd_send_signal`.
        public func send(_ signal: Signal) throws(Errno) {
            try checked(csys_pidfd_send_signal(descriptor.rawValue, signal.rawValue))
        }

        /// Waits until the process has ended; it need not be a child. Reaps nothing.
        ///
        /// - Returns: Whether it has ended by the deadline.
        ///
        /// The corresponding C function is `poll`.
        public func waitForEnd(until deadline: Deadline = .never) throws(Errno) -> Bool {
            try !descriptor.wait(for: .readable, until: deadline).isEmpty
        }

        /// Reaps a child of the caller if it has ended; `nil` while it runs.
        ///
        /// The corresponding C function is `waitid` with `P_PIDFD`.
        public func poll() throws(Errno) -> ExitStatus? {
            var code: CInt = 0
            var status: CInt = 0
            _ = try retryingOnInterrupt { csys_wait_pidfd(descriptor.rawValue, 1, &code, &status) }
            return Self.exitStatus(code, status)
        }

        /// How a child of the caller has ended, without reaping it; `nil` while it runs.
        ///
        /// - Throws: `Errno.noChildProcess` when it is none, or was reaped.
        ///
        /// The corresponding C function is `waitid` with `P_PIDFD` and `WNOWAIT`.
        public func peek() throws(Errno) -> ExitStatus? {
            var code: CInt = 0
            var status: CInt = 0
            _ = try retryingOnInterrupt { csys_peek_pidfd(descriptor.rawValue, &code, &status) }
            return Self.exitStatus(code, status)
        }

        private static func exitStatus(_ code: CInt, _ status: CInt) -> ExitStatus? {
            guard code != 0 else { return nil }
            // si_code as in sigaction(2); Glibc exports these only as an anonymous enumeration.
            let exited: CInt = 1
            let dumped: CInt = 3
            return code == exited ? .exited(status) : .signaled(status, coreDumped: code == dumped)
        }

        /// How a process that somebody else has reaped ended, where the kernel still tells (Linux 6.15), else `.unknown`.
        ///
        /// The corresponding C function is `ioctl` with `PIDFD_GET_INFO`.
        public var statusAfterReaping: ExitStatus {
            var status: CInt = 0
            return csys_pidfd_exit_status(descriptor.rawValue, &status) == 0
                ? ExitStatus(waitStatus: status) : .unknown
        }
    }
#endif
