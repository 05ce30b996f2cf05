#if os(Linux)
    import Syscalls

    /// An event that is watched: what a kernel calls a knote.
    final class Knote {
        /// No two knotes of a queue have the same. See kqueue(2).
        struct Name: Hashable {
            let ident: UInt
            let filter: KernelEvent.Filter

            init(_ change: KernelEvent) {
                ident = change.ident
                filter = change.filter
            }
        }

        let name: Name
        /// Names it in an epoll, so that a hint of an earlier one of the same name is known as such.
        let token: UInt64
        let filter: any EventFilter
        private var ownFlags: KernelEvent.Flags = []
        private var udata: UInt
        var isDisabled: Bool

        init(_ change: KernelEvent, token: UInt64, _ filter: any EventFilter) {
            name = Name(change)
            self.token = token
            self.filter = filter
            udata = change.udata
            isDisabled = change.flags.contains(.disable)
            ownFlags = change.flags.intersection(Self.kept)
        }

        /// The flags that are the event's own, not an order.
        private static var kept: KernelEvent.Flags { [.oneShot, .clear, .dispatch] }

        var flags: KernelEvent.Flags { ownFlags.union(filter.impliedFlags) }

        func change(by change: KernelEvent) throws(Errno) {
            try filter.change(by: change)
            udata = change.udata
            if change.flags.contains(.add) { ownFlags = change.flags.intersection(Self.kept) }
            if change.flags.contains(.disable) {
                isDisabled = true
            } else if !change.flags.isDisjoint(with: [.add, .enable]) {
                isDisabled = false
            }
        }

        /// `nil` when what it watches for is not (any more) so.
        func event() -> KernelEvent? {
            guard let occurrence = filter.occurrence() else { return nil }
            return KernelEvent(
                name.ident, name.filter, flags.union(occurrence.flags), fflags: occurrence.fflags,
                data: occurrence.data, udata: udata)
        }
    }
#endif
