import Syscalls

/// The backend over kqueue(2), be it the kernel's own or an emulation.
///
/// The kernel is a parameter, as in Twisted, so that the backend can be tested where there is none.
public final class KqueueBackend<Kernel: KqueueKernel>: ReactorBackend {
    /// The same for an emulation: what is emulated is not chosen by a name of its own.
    public static var name: String { "kqueue" }

    private var kernel: Kernel
    private var received: [KernelEvent] = []
    /// By descriptor number. The kernel forgets by itself what was closed: this may know of more than it.
    private var watched: [Watched?] = []

    private struct Watched {
        let interest: Interest
        let token: UInt64
        /// Where among the events of the wait under way its own is.
        var place: Int?

        /// A kqueue watches each direction for itself.
        var filters: [KernelEvent.Filter] {
            (interest.contains(.readable) ? [.read] : []) + (interest.contains(.writable) ? [.write] : [])
        }
    }

    public init() throws(Errno) {
        kernel = try Kernel()
    }

    /// With a kernel that is there already.
    package init(kernel: Kernel) {
        self.kernel = kernel
    }

    public func register(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        // A kqueue tells of a file until its end, and of none that is to be written. Some devices it does not take at all.
        switch try descriptor.status().kind {
        case .regular, .directory, .blockDevice: throw .notPermitted
        default: break
        }
        if let known = watched(descriptor) {
            // Adding it again would change it. A change of nothing only fails for what was closed meanwhile.
            let answers = try apply(known, [], to: descriptor)
            if answers.contains(nil) { throw .fileExists }
        }
        try add(Watched(interest: interest, token: token), descriptor)
    }

    public func modify(_ descriptor: FileDescriptor, interest: Interest, token: UInt64) throws(Errno) {
        guard let known = watched(descriptor) else { throw .noSuchFileOrDirectory }
        let errors = try apply(known, .delete, to: descriptor).compactMap(\.self)
        if let error = errors.first {
            if error == .noSuchFileOrDirectory { watched[Int(descriptor.rawValue)] = nil }
            throw error
        }
        do throws(Errno) {
            try add(Watched(interest: interest, token: token), descriptor)
        } catch {
            try? add(known, descriptor)
            throw error
        }
    }

    public func deregister(_ descriptor: FileDescriptor) {
        guard let known = watched(descriptor) else { return }
        watched[Int(descriptor.rawValue)] = nil
        // Of one that was closed the kernel knows nothing any more.
        _ = try? apply(known, .delete, to: descriptor)
    }

    public func wait(timeout: Duration?, into events: inout [ReadinessEvent]) throws(Errno) {
        try kernel.kevent([], into: &received, upTo: 256, timeout: timeout)
        for event in received {
            let number = Int(event.ident)
            guard let known = watched[number] else { continue }
            let readiness = Self.readiness(event)
            if let place = known.place {
                events[place] = ReadinessEvent(
                    token: known.token, readiness: events[place].readiness.union(readiness))
            } else {
                watched[number]?.place = events.count
                events.append(ReadinessEvent(token: known.token, readiness: readiness))
            }
        }
        for event in received {
            let number = Int(event.ident)
            guard let known = watched[number], known.place != nil else { continue }
            watched[number]?.place = nil
            // Each direction was told of once: the other one shall not be either.
            if known.interest.isSuperset(of: [.oneShot, .readable, .writable]) {
                _ = try? apply(known, .disable, to: FileDescriptor(rawValue: CInt(number)))
            }
        }
    }

    public func recreate() throws(Errno) {
        kernel = try Kernel()
        watched = []
    }

    private func watched(_ descriptor: FileDescriptor) -> Watched? {
        let number = Int(descriptor.rawValue)
        return watched.indices.contains(number) ? watched[number] : nil
    }

    private func add(_ new: Watched, _ descriptor: FileDescriptor) throws(Errno) {
        var flags: KernelEvent.Flags = .add
        if new.interest.contains(.edgeTriggered) { flags.insert(.clear) }
        // EV_ONESHOT would delete it: it stays registered.
        if new.interest.contains(.oneShot) { flags.insert(.dispatch) }
        if let error = try apply(new, flags, to: descriptor).compactMap(\.self).first {
            _ = try? apply(new, .delete, to: descriptor)
            throw error == .invalidArgument ? .notPermitted : error
        }
        let number = Int(descriptor.rawValue)
        while watched.count <= number { watched.append(nil) }
        watched[number] = new
    }

    /// Makes a change to each direction and gives its error; with receipts, so that no events are fetched meanwhile.
    private func apply(
        _ watched: Watched, _ flags: KernelEvent.Flags, to descriptor: FileDescriptor
    ) throws(Errno) -> [Errno?] {
        let changes = watched.filters.map {
            KernelEvent(descriptor, $0, flags.union(.receipt), udata: UInt(watched.token))
        }
        var answers: [KernelEvent] = []
        try kernel.kevent(changes, into: &answers, upTo: changes.count, timeout: .zero)
        return answers.map(\.error)
    }

    private static func readiness(_ event: KernelEvent) -> Readiness {
        var readiness: Readiness = event.filter == .read ? .readable : .writable
        guard event.flags.contains(.endOfFile) || event.fflags != [] else { return readiness }
        if event.fflags != [] { readiness.insert(.error) }
        // EV_EOF is also that of a peer that has only ended its sending.
        let descriptor = FileDescriptor(rawValue: CInt(event.ident))
        let state = (try? descriptor.wait(for: [], until: .now)) ?? []
        if state.contains(.hangUp) { readiness.insert(.hangUp) }
        if state.contains(.error) { readiness.insert(.error) }
        return readiness
    }
}
