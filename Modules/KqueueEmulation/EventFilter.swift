#if os(Linux)
    import Syscalls

    /// What a kind of event is about: the `struct filterops` of the BSD kernels.
    protocol EventFilter: AnyObject {
        /// What gives hints that `occurrence` may have something to tell. The filter owns those that are not borrowed.
        var sources: [Source] { get }
        /// Flags that events of the kind have whether asked for or not.
        var impliedFlags: KernelEvent.Flags { get }
        /// Whether it is still about what it was made for.
        var isAttached: Bool { get }

        /// An existing event is added again, or changed.
        func change(by change: KernelEvent) throws(Errno)
        /// What is to be reported now, if anything is. Asked once for each event: what it counts begins anew.
        func occurrence() -> Occurrence?
        /// An event with `EV_CLEAR` was reported: it is not to be again before something new happens.
        func clear()
    }

    extension EventFilter {
        var impliedFlags: KernelEvent.Flags { [] }
        var isAttached: Bool { true }
        func clear() {}
    }

    struct Occurrence {
        var flags: KernelEvent.Flags = []
        var fflags: KernelEvent.FilterFlags = []
        var data = 0
    }

    /// A descriptor that is watched for a filter, always edge-triggered.
    struct Source {
        let descriptor: FileDescriptor
        let isForWriting: Bool
        /// The program's own, which may be closed at any time.
        let isBorrowed: Bool

        static func owned(_ descriptor: FileDescriptor) -> Source {
            Source(descriptor: descriptor, isForWriting: false, isBorrowed: false)
        }

        var events: Epoll.Events {
            isForWriting ? [.writable, .edgeTriggered] : [.readable, .readHangUp, .edgeTriggered]
        }
    }

    extension KernelEvent {
        var isOfDescriptor: Bool { filter == .read || filter == .write }

        /// One that is never open when the number is too large to be one.
        var descriptor: FileDescriptor { FileDescriptor(rawValue: CInt(exactly: ident) ?? -1) }
    }

    func makeFilter(_ change: KernelEvent) throws(Errno) -> any EventFilter {
        switch change.filter {
        case .read where try change.descriptor.status().kind == .regular: try FileFilter(change)
        case .write where try change.descriptor.status().kind == .regular: throw .invalidArgument
        case .read: try ReadFilter(change)
        case .write: try WriteFilter(change)
        case .timer: try TimerFilter(change)
        case .user: try UserFilter(change)
        case .signal: try SignalFilter(change)
        case .process: try ProcessFilter(change)
        default: throw .invalidArgument
        }
    }
#endif
