#if canImport(Darwin)
    import Darwin

    /// The kernel's own queue of events. Darwin only; unverified, since this package is built and tested on Linux.
    ///
    /// See kqueue(2).
    public final class Kqueue: KqueueKernel {
        private let owned: OwnedFileDescriptor

        /// An empty queue, close-on-exec. The corresponding C function is `kqueue`.
        public init() throws(Errno) {
            owned = OwnedFileDescriptor(owning: try checked(kqueue()))
            try owned.descriptor.setCloseOnExec(true)
        }

        /// The borrowed descriptor of the queue: readable when there are events to fetch. See kqueue(2).
        public var descriptor: FileDescriptor { owned.descriptor }

        /// Applies changes and fetches events, as `KqueueKernel` tells. Safe from any thread.
        ///
        /// Descriptors stay the caller's. The corresponding C function is `kevent`.
        public func kevent(
            _ changes: [KernelEvent], into events: inout [KernelEvent], upTo count: Int, timeout: Duration?
        ) throws(Errno) {
            // A negative one would become none.
            if let timeout, timeout < .zero { throw .invalidArgument }
            events.removeAll(keepingCapacity: true)
            let changes = changes.map(\.asC)
            var time = timespec(timeout ?? .zero)
            let buffer = UnsafeMutableBufferPointer<Darwin.kevent>.allocate(capacity: count)
            defer { buffer.deallocate() }
            let filled = withUnsafePointer(to: &time) { time in
                systemKevent(
                    owned.descriptor.rawValue, changes, CInt(changes.count), buffer.baseAddress, CInt(count),
                    timeout == nil ? nil : time)
            }
            for event in buffer.prefix(Int(try checked(filled))) { events.append(KernelEvent(event)) }
        }
    }

    // The C function, under a name that neither the structure nor the method of the same name hides.
    private let systemKevent:
        @convention(c) (
            CInt, UnsafePointer<kevent>?, CInt, UnsafeMutablePointer<kevent>?, CInt, UnsafePointer<timespec>?
        ) -> CInt = kevent

    extension KernelEvent {
        fileprivate init(_ event: Darwin.kevent) {
            self.init(
                event.ident, Filter(rawValue: event.filter), Flags(rawValue: event.flags),
                fflags: FilterFlags(rawValue: event.fflags), data: event.data, udata: UInt(bitPattern: event.udata))
        }

        fileprivate var asC: Darwin.kevent {
            Darwin.kevent(
                ident: ident, filter: filter.rawValue, flags: flags.rawValue, fflags: fflags.rawValue, data: data,
                udata: UnsafeMutableRawPointer(bitPattern: udata))
        }
    }
#endif
