import CSyscalls

/// A descriptor that is this process's alone: in a forked copy of it the descriptor is closed before `fork` returns there.
///
/// Close-on-exec does the same for programs that are started; this is for copies that go on running this one. Closed
/// when this object goes. See pthread_atfork(3).
package final class ForkGuardedDescriptor: @unchecked Sendable {
    // Sound: the address never changes, and the number behind it only in a child that has just been forked, which has one
    // thread.
    private let guarded: OpaquePointer

    package init(_ descriptor: consuming OwnedFileDescriptor) throws(Errno) {
        let number = descriptor.take()
        guard let guarded = csys_fork_guard_new(number) else {
            let error = Errno.current
            OwnedFileDescriptor(owning: number).discard()
            throw error
        }
        self.guarded = guarded
    }

    deinit {
        csys_fork_guard_free(guarded)
    }

    /// `nil` in a process that was forked since. Do not keep it beyond this object's life.
    package var descriptor: FileDescriptor? {
        let number = csys_fork_guard_descriptor(guarded)
        return number < 0 ? nil : FileDescriptor(rawValue: number)
    }
}
