#if os(Linux)
    import Glibc
    import Syscalls

    /// EVFILT_TIMER.
    final class TimerFilter: EventFilter {
        private let timer: TimerDescriptor
        private var isAbsolute = false

        init(_ change: KernelEvent) throws(Errno) {
            timer = try TimerDescriptor()
            try start(change)
        }

        var sources: [Source] { [.owned(timer.descriptor)] }

        var impliedFlags: KernelEvent.Flags { isAbsolute ? [.clear, .oneShot] : .clear }

        func change(by change: KernelEvent) throws(Errno) {
            if change.flags.contains(.add) { try start(change) }
        }

        func occurrence() -> Occurrence? {
            guard let count = try? timer.take() else { return nil }
            return Occurrence(data: Int(clamping: count))
        }

        /// Setting it anew forgets how often it has gone off.
        private func start(_ change: KernelEvent) throws(Errno) {
            guard change.data >= 0 else { throw .invalidArgument }
            isAbsolute = change.fflags.contains(.absolute)
            let time = change.time
            if isAbsolute {
                try timer.set(after: time - .sinceEpoch)
            } else if change.flags.contains(.oneShot) {
                try timer.set(after: time)
            } else {
                try timer.set(after: time, repeating: time)
            }
        }
    }

    extension KernelEvent {
        fileprivate var time: Duration {
            // A period of nothing would never end: it is one of the unit.
            let isPeriodic = fflags.isDisjoint(with: .absolute) && !flags.contains(.oneShot)
            let count = isPeriodic ? max(1, data) : data
            if fflags.contains(.seconds) { return .seconds(count) }
            if fflags.contains(.microseconds) { return .microseconds(count) }
            if fflags.contains(.nanoseconds) { return .nanoseconds(count) }
            return .milliseconds(count)
        }
    }

    extension Duration {
        fileprivate static var sinceEpoch: Duration {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
    }
#endif
