#if os(Linux)
    import Syscalls

    /// EVFILT_USER.
    final class UserFilter: EventFilter {
        /// Readable when it is triggered.
        private let counter: EventCounter
        private var flags: KernelEvent.FilterFlags
        private var data: Int

        init(_ change: KernelEvent) throws(Errno) {
            counter = try EventCounter()
            flags = change.fflags.intersection(.userMask)
            data = change.data
            if change.fflags.contains(.trigger) { try counter.add() }
        }

        var sources: [Source] { [.owned(counter.descriptor)] }

        func change(by change: KernelEvent) throws(Errno) {
            let operand = change.fflags.intersection(.userMask)
            switch change.fflags.intersection(.controlMask) {
            case .and: flags.formIntersection(operand)
            case .or: flags.formUnion(operand)
            case .copy: flags = operand
            default: break
            }
            data = change.data
            if change.fflags.contains(.trigger) { try counter.add() }
        }

        func occurrence() -> Occurrence? {
            guard let readiness = try? counter.descriptor.wait(for: .readable, until: .now), !readiness.isEmpty else {
                return nil
            }
            return Occurrence(fflags: flags, data: data)
        }

        func clear() {
            _ = try? counter.take()
        }
    }
#endif
