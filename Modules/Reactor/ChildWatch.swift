import Syscalls

/// Watches one child process for its end, on behalf of a reactor.
final class ChildWatch {
    #if os(Linux)
        private let process: ProcessDescriptor

        convenience init(
            of child: ProcessID, in reactor: Reactor, _ ended: @escaping (ExitStatus) -> Void
        ) throws(Errno) {
            try self.init(of: try ProcessDescriptor(of: child), in: reactor, ended)
        }

        init(
            of child: consuming ProcessDescriptor, in reactor: Reactor, _ ended: @escaping (ExitStatus) -> Void
        ) throws(Errno) {
            process = child
            let descriptor = process.descriptor
            let handler = ClosureHandler { [unowned self, unowned reactor] _ in
                // Somebody else may have reaped it, against the contract: its status is not to be had then.
                guard let status = try? process.poll() ?? nil else {
                    reactor.removeReader(descriptor)
                    return ended(process.statusAfterReaping)
                }
                reactor.removeReader(descriptor)
                ended(status)
            }
            try reactor.watched.set(
                .reader(handler), of: descriptor, trigger: .level, isOwn: true, with: reactor.backend)
        }

        func cancel(in reactor: Reactor) {
            reactor.removeReader(process.descriptor)
        }
    #else
        // Unverified on Darwin: without a descriptor of the process it is asked after every few milliseconds.
        private var timer: TimerID?

        init(
            of child: ProcessID, in reactor: Reactor, _ ended: @escaping (ExitStatus) -> Void
        ) throws(Errno) {
            guard child.exists else { throw .noSuchProcess }
            timer = reactor.addTimer(after: .zero, repeating: .milliseconds(5)) { [unowned self, unowned reactor] in
                do throws(Errno) {
                    guard let status = try child.poll() else { return }
                    cancel(in: reactor)
                    ended(status)
                } catch {
                    cancel(in: reactor)
                    ended(.unknown)
                }
            }
        }

        func cancel(in reactor: Reactor) {
            if let timer { reactor.cancelTimer(timer) }
        }
    #endif
}
