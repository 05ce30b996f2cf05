#if os(Linux)
    import Syscalls

    /// EVFILT_SIGNAL.
    final class SignalFilter: EventFilter {
        private let signals: SignalDescriptor

        init(_ change: KernelEvent) throws(Errno) {
            // Those that Linux has.
            guard (1...64).contains(change.ident) else { throw .invalidArgument }
            signals = try SignalDescriptor([Signal(rawValue: CInt(change.ident))])
        }

        var sources: [Source] { [.owned(signals.descriptor)] }

        var impliedFlags: KernelEvent.Flags { .clear }

        func change(by change: KernelEvent) {}

        func occurrence() -> Occurrence? {
            var count = 0
            while (try? signals.take()) ?? nil != nil { count += 1 }
            return count > 0 ? Occurrence(data: count) : nil
        }
    }
#endif
