#if os(Linux)
    import CSyscalls
    import Glibc
    import Syscalls

    /// What EVFILT_READ and EVFILT_WRITE have in common.
    protocol DescriptorFilter: EventFilter {
        var file: WatchedFile { get }
    }

    extension DescriptorFilter {
        // epoll alone does not tell when the number was that of a third file in between.
        var isAttached: Bool { file.isSame }

        func change(by change: KernelEvent) { file.takeMark(of: change) }
    }

    /// EVFILT_READ of pipes, sockets, terminals and other descriptors that can be waited for.
    final class ReadFilter: DescriptorFilter {
        let file: WatchedFile

        init(_ change: KernelEvent) throws(Errno) { file = try WatchedFile(change) }

        var sources: [Source] { [Source(descriptor: file.descriptor, isForWriting: false, isBorrowed: true)] }

        func occurrence() -> Occurrence? {
            let readiness = file.readiness(for: [.readable, .readHangUp])
            let isAtEnd = !readiness.isDisjoint(with: file.isSocket ? [.hangUp, .readHangUp] : [.hangUp, .error])
            let available = file.readableByteCount
            guard isAtEnd || readiness.contains(.error) || readiness.contains(.readable) && isEnough(available) else {
                return nil
            }
            return Occurrence(
                flags: isAtEnd ? .endOfFile : [], fflags: file.socketError(readiness), data: available)
        }

        /// Without a mark the kernel's word stands: a message may be empty.
        private func isEnough(_ count: Int) -> Bool {
            guard let mark = file.lowWaterMark ?? file.receiveLowWaterMark else { return true }
            return mark <= 1 || count >= mark
        }
    }

    /// EVFILT_WRITE of the same.
    final class WriteFilter: DescriptorFilter {
        let file: WatchedFile

        init(_ change: KernelEvent) throws(Errno) { file = try WatchedFile(change) }

        var sources: [Source] { [Source(descriptor: file.descriptor, isForWriting: true, isBorrowed: true)] }

        func occurrence() -> Occurrence? {
            let readiness = file.readiness(for: .writable)
            // Linux tells so of a pipe without a reader, and of a socket whose directions have both ended.
            let isAtEnd = !readiness.isDisjoint(with: file.isSocket ? .hangUp : [.hangUp, .error])
            let room = file.writableByteCount
            guard
                isAtEnd || readiness.contains(.error) || readiness.contains(.writable) && room >= file.lowWaterMark ?? 0
            else { return nil }
            return Occurrence(flags: isAtEnd ? .endOfFile : [], fflags: file.socketError(readiness), data: room)
        }
    }

    extension KernelEvent {
        fileprivate var lowWaterMark: Int? { fflags.contains(.lowWaterMark) ? data : nil }
    }

    /// A descriptor of the program's, and what can be asked of it without changing anything.
    final class WatchedFile {
        let descriptor: FileDescriptor
        /// How much has to be there; `nil` where the program has not said.
        private(set) var lowWaterMark: Int?
        private let kind: FileStatus.Kind
        private let identity: FileStatus.Identity
        private var wasConnected: Bool

        init(_ change: KernelEvent) throws(Errno) {
            descriptor = change.descriptor
            lowWaterMark = change.lowWaterMark
            let status = try descriptor.status()
            kind = status.kind
            identity = status.identity
            wasConnected = descriptor.isConnected
        }

        func takeMark(of change: KernelEvent) {
            if change.flags.contains(.add) { lowWaterMark = change.lowWaterMark }
        }

        /// Whether the number may still be that of the same file.
        var isSame: Bool { (try? descriptor.status())?.identity == identity }

        var isSocket: Bool { kind == .socket }

        func readiness(for events: PollEvents) -> PollEvents {
            let readiness = (try? descriptor.wait(for: events, until: .now)) ?? []
            if isSocket, !wasConnected, !readiness.contains(.error) { wasConnected = descriptor.isConnected }
            return readiness
        }

        /// Also connections to be accepted. 1 for what Linux does not tell of.
        var readableByteCount: Int {
            var count: CInt = 0
            if csys_readable_bytes(descriptor.rawValue, &count) == 0 { return Int(count) }
            if isSocket, csys_waiting_connections(descriptor.rawValue, &count) == 0 { return Int(count) }
            return 1
        }

        /// 1 for what Linux does not tell of.
        var writableByteCount: Int {
            var used: CInt = 0
            switch kind {
            case .socket:
                guard csys_unsent_bytes(descriptor.rawValue, &used) == 0,
                    let size = try? descriptor.option(SOL_SOCKET, SO_SNDBUF)
                else { return 1 }
                return max(0, Int(size) - Int(used))
            case .fifo:
                let size = csys_pipe_capacity(descriptor.rawValue)
                guard size >= 0, csys_readable_bytes(descriptor.rawValue, &used) == 0 else { return 1 }
                return max(0, Int(size) - Int(used))
            default: return 1
            }
        }

        var receiveLowWaterMark: Int? {
            isSocket ? (try? descriptor.option(SOL_SOCKET, SO_RCVLOWAT)).map { Int($0) } : nil
        }

        /// Linux tells a socket's error once: asking would take it away from the program. So it is what it can only be, but
        /// for connections that fail otherwise than by their peer.
        func socketError(_ readiness: PollEvents) -> KernelEvent.FilterFlags {
            guard isSocket, readiness.contains(.error) else { return [] }
            let isStream = (try? descriptor.option(SOL_SOCKET, SO_TYPE)) == SocketKind.stream.rawValue
            let isLocal = (try? descriptor.option(SOL_SOCKET, SO_DOMAIN)) == AF_UNIX
            let error: Errno = isLocal || isStream && wasConnected ? .connectionReset : .connectionRefused
            return KernelEvent.FilterFlags(rawValue: UInt32(error.rawValue))
        }
    }

    extension FileDescriptor {
        fileprivate var isConnected: Bool {
            var address = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            return withUnsafeMutableBytes(of: &address) { bytes in
                getpeername(rawValue, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!, &length) == 0
            }
        }
    }

    extension PollEvents {
        /// The corresponding C constant is `POLLRDHUP`, which glibc hides.
        fileprivate static var readHangUp: PollEvents { PollEvents(rawValue: 0x2000) }
    }
#endif
