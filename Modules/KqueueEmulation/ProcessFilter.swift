#if os(Linux)
    import Syscalls

    /// EVFILT_PROC, of which pidfds tell the end alone.
    final class ProcessFilter: EventFilter {
        private let process: ProcessDescriptor
        private let watchedFor: KernelEvent.FilterFlags

        init(_ change: KernelEvent) throws(Errno) {
            guard change.fflags.contains(.exit), change.fflags.isSubset(of: [.exit, .exitStatus]) else {
                throw .invalidArgument
            }
            guard let number = CInt(exactly: change.ident), number > 0 else { throw .noSuchProcess }
            process = try ProcessDescriptor(of: ProcessID(rawValue: number))
            watchedFor = change.fflags
            guard watchedFor.contains(.exitStatus) else { return }
            // Only a parent may know how a process ended.
            do throws(Errno) { _ = try process.peek() } catch .noChildProcess { throw .permissionDenied }
        }

        var sources: [Source] { [.owned(process.descriptor)] }

        var impliedFlags: KernelEvent.Flags { [.clear, .oneShot] }

        func change(by change: KernelEvent) {}

        func occurrence() -> Occurrence? {
            guard let readiness = try? process.descriptor.wait(for: .readable, until: .now), !readiness.isEmpty else {
                return nil
            }
            guard watchedFor.contains(.exitStatus) else { return Occurrence(flags: .endOfFile, fflags: watchedFor) }
            // It may have been reaped already.
            let status = (try? process.peek()) ?? process.statusAfterReaping
            return Occurrence(flags: .endOfFile, fflags: watchedFor, data: status.waitStatus)
        }
    }

    extension ExitStatus {
        /// As `waitpid` stores it; 0 when nobody can tell.
        fileprivate var waitStatus: Int {
            switch self {
            case .exited(let code): Int(code) << 8
            case .signaled(let signal, let coreDumped): Int(signal) | (coreDumped ? 0x80 : 0)
            case .unknown: 0
            }
        }
    }
#endif
