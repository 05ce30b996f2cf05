#if os(Linux)
    import CSyscalls
    import Glibc

    /// A counter that readers can wait for. Linux only. See eventfd(2).
    public struct EventCounter: ~Copyable, Sendable {
        /// The descriptor itself; it can be passed to another process. See eventfd(2).
        public let owned: OwnedFileDescriptor

        /// A counter at zero, non-blocking and close-on-exec. The corresponding C function is `eventfd`.
        public init() throws(Errno) {
            owned = OwnedFileDescriptor(owning: try checked(csys_eventfd()))
        }

        /// The borrowed descriptor, for waiting until it is readable. See eventfd(2).
        public var descriptor: FileDescriptor { owned.descriptor }

        /// Adds to the counter, which makes it readable.
        ///
        /// - Throws: `Errno.resourceTemporarilyUnavailable` when it would exceed 2⁶⁴ - 2. The corresponding C function is
        ///   `write`.
        public func add(_ number: UInt64 = 1) throws(Errno) {
            try descriptor.addToCounter(number)
        }

        /// Sets the counter to zero, and gives what it was; `nil` when it was zero. The corresponding C function is `read`.
        public func take() throws(Errno) -> UInt64? {
            try descriptor.readValue(UInt64.self)
        }
    }

    extension FileDescriptor {
        /// Adds to the counter that this descriptor is. Unlike a pipe it never raises SIGPIPE, so nothing guards against that. The
        /// corresponding C function is `write`.
        package func addToCounter(_ number: UInt64) throws(Errno) {
            let written = try withUnsafeBytes(of: number) { number throws(Errno) in
                try retryingOnInterrupt { Glibc.write(rawValue, number.baseAddress, number.count) }
            }
            precondition(written == 8, "descriptor \(rawValue) is not a counter")
        }
    }

    /// A timer that readers can wait for. Linux only. See timerfd_create(2).
    public struct TimerDescriptor: ~Copyable, Sendable {
        /// The descriptor itself; it can be passed to another process. See timerfd_create(2).
        public let owned: OwnedFileDescriptor

        /// A timer on the monotonic clock that is not set, non-blocking and close-on-exec.
        ///
        /// The corresponding C function is `timerfd_create`.
        public init() throws(Errno) {
            owned = OwnedFileDescriptor(owning: try checked(csys_timerfd_create()))
        }

        /// The borrowed descriptor, for waiting until it is readable. See timerfd_create(2).
        public var descriptor: FileDescriptor { owned.descriptor }

        /// Sets the timer, instead of what was set before.
        ///
        /// - Parameters:
        ///   - delay: Until it goes off first; at least a nanosecond.
        ///   - interval: Between the times that it goes off after that; `nil` is once.
        ///
        /// The corresponding C function is `timerfd_settime`.
        public func set(after delay: Duration, repeating interval: Duration? = nil) throws(Errno) {
            // All zero would unset it.
            var first = timespec(max(delay, .nanoseconds(1)))
            var between = timespec(interval ?? .zero)
            try checked(csys_timerfd_set(descriptor.rawValue, &first, &between))
        }

        /// Unsets the timer. The corresponding C function is `timerfd_settime`.
        public func cancel() throws(Errno) {
            var none = timespec()
            var never = timespec()
            try checked(csys_timerfd_set(descriptor.rawValue, &none, &never))
        }

        /// How often it has gone off since it was asked last; `nil` when it has not. The corresponding C function is `read`.
        public func take() throws(Errno) -> UInt64? {
            try descriptor.readValue(UInt64.self)
        }
    }

    /// Signals as something that readers can wait for. Linux only. See signalfd(2).
    ///
    /// The signals have to be blocked in every thread (`SignalSet.setAsMask`), or they take their usual effect.
    public struct SignalDescriptor: ~Copyable, Sendable {
        /// The descriptor itself; it can be passed to another process. See signalfd(2).
        public let owned: OwnedFileDescriptor

        /// Receives the signals of a set, non-blocking and close-on-exec. The corresponding C function is `signalfd`.
        public init(_ signals: SignalSet) throws(Errno) {
            var set = signals.set
            owned = OwnedFileDescriptor(owning: try checked(csys_signalfd(&set)))
        }

        /// The borrowed descriptor, for waiting until it is readable. See signalfd(2).
        public var descriptor: FileDescriptor { owned.descriptor }

        /// A signal that came, and the process that sent it. See signalfd(2).
        public struct Received: Sendable {
            /// What came. The corresponding C field is `ssi_signo`.
            public let signal: Signal
            /// Who sent it; 0 for the kernel. The corresponding C field is `ssi_pid`.
            public let sender: ProcessID
        }

        /// Takes the next signal; `nil` when none is pending. The corresponding C function is `read`.
        public func take() throws(Errno) -> Received? {
            var signal: CInt = 0
            var sender: pid_t = 0
            do throws(Errno) {
                _ = try retryingOnInterrupt { csys_signalfd_read(descriptor.rawValue, &signal, &sender) }
            } catch .resourceTemporarilyUnavailable {
                return nil
            }
            return Received(signal: Signal(rawValue: signal), sender: ProcessID(rawValue: sender))
        }
    }

    extension FileDescriptor {
        fileprivate func writeValue<Value: BitwiseCopyable>(_ value: Value) throws(Errno) {
            var value = value
            try withUnsafeBytes(of: &value) { bytes throws(Errno) in
                _ = try retryingOnInterrupt { Glibc.write(rawValue, bytes.baseAddress, bytes.count) }
            }
        }

        fileprivate func readValue(_ type: UInt64.Type) throws(Errno) -> UInt64? {
            var value: UInt64 = 0
            do throws(Errno) {
                _ = try withUnsafeMutableBytes(of: &value) { bytes throws(Errno) in try read(into: bytes) }
            } catch .resourceTemporarilyUnavailable {
                return nil
            }
            return value
        }
    }
#endif
