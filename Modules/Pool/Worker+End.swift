import Reactor
import Syscalls

extension Worker {
    /// Calls back on the reactor's thread when the worker has ended.
    func watchEnd(in reactor: Reactor, _ ended: @escaping (ExitStatus) -> Void) {
        guard let descriptor = try? child.waitingDescriptor() else { return ended(.unknown) }
        let watched = WatchedEnd(descriptor)
        do throws(Errno) {
            try reactor.addReader(watched.descriptor) { [self] _ in
                reactor.removeReader(watched.descriptor)
                // Asked twice: a thread that waits for the same end may have read of it, and be about to note it.
                if let status = child.exitStatus ?? child.exitStatus {
                    ended(status)
                } else {
                    // The server died first: from now on it is another descriptor that tells, and not at once.
                    reactor.addTimer(after: .milliseconds(5)) { [self, unowned reactor] in
                        watchEnd(in: reactor, ended)
                    }
                }
            }
        } catch {
            ended(.unknown)
        }
    }

    /// Lets go of the worker, on the reactor's thread: an idle one ends by itself then.
    func disconnect(in reactor: Reactor) {
        try? connection.withDescriptor { descriptor in
            reactor.removeReader(descriptor)
            reactor.removeWriter(descriptor)
        }
        connection.close()
    }
}

/// Keeps the descriptor open for as long as its handler is there.
private final class WatchedEnd {
    private let owned: OwnedFileDescriptor

    init(_ descriptor: consuming OwnedFileDescriptor) {
        owned = descriptor
    }

    var descriptor: FileDescriptor { owned.descriptor }
}
