#if os(Linux)
    import Syscalls

    /// The knotes of a kqueue, and the epolls that tell which of them are worth a look.
    ///
    /// Each knote waits for a descriptor: the one that it is about, or one of its own, such as a timerfd. They are all watched
    /// edge-triggered. So a hint is given once, and by `epoll_ctl` again whenever the filter is to be asked anew: for events
    /// that stay until their cause is gone, that is at once after each report.
    struct EventQueue: ~Copyable {
        /// The queue's own descriptor. Watches what becomes readable.
        private let epoll: Epoll
        /// Within the other one. A set of its own, since epoll takes a descriptor once, with one set of edges.
        private let writeEpoll: Epoll
        private var knotes: [Knote.Name: Knote] = [:]
        private var knotesByToken: [UInt64: Knote] = [:]
        private var lastToken = writeToken

        private static var writeToken: UInt64 { 0 }

        init() throws(Errno) {
            let epoll = try Epoll()
            let writeEpoll = try Epoll()
            try epoll.add(writeEpoll.descriptor, .readable, token: Self.writeToken)
            self.epoll = epoll
            self.writeEpoll = writeEpoll
        }

        var descriptor: FileDescriptor { epoll.descriptor }

        // MARK: Changes

        /// - Returns: The answers to changes that failed or wanted one.
        mutating func apply(_ changes: [KernelEvent], upTo count: Int) throws(Errno) -> [KernelEvent] {
            var answers: [KernelEvent] = []
            for change in changes {
                var answer = change
                answer.flags = .error
                answer.data = 0
                do throws(Errno) {
                    try apply(change)
                    if !change.flags.contains(.receipt) { continue }
                    if answers.count == count { return answers }
                } catch {
                    if answers.count == count { throw error }
                    answer.data = Int(error.rawValue)
                }
                answers.append(answer)
            }
            return answers
        }

        private mutating func apply(_ change: KernelEvent) throws(Errno) {
            if change.isOfDescriptor, !change.descriptor.isOpen { throw .badFileDescriptor }
            let known = attachedKnote(Knote.Name(change))
            if change.flags.contains(.delete) {
                guard let known else { throw .noSuchFileOrDirectory }
                return remove(known)
            }
            if let known {
                try known.change(by: change)
                if !known.isDisabled { hintAgain(of: known) }
            } else {
                guard change.flags.contains(.add) else { throw .noSuchFileOrDirectory }
                try add(change)
            }
        }

        private mutating func add(_ change: KernelEvent) throws(Errno) {
            let filter = try makeFilter(change)
            lastToken += 1
            let knote = Knote(change, token: lastToken, filter)
            for source in filter.sources { try watch(source, token: knote.token) }
            knotes[knote.name] = knote
            knotesByToken[knote.token] = knote
        }

        private func watch(_ source: Source, token: UInt64) throws(Errno) {
            do throws(Errno) {
                try set(of: source) { set throws(Errno) in
                    try set.add(source.descriptor, source.events, token: token)
                }
            } catch .fileExists {
                // Left by a knote whose descriptor was closed and is a duplicate of the same open file again.
                try set(of: source) { set throws(Errno) in
                    try set.modify(source.descriptor, source.events, token: token)
                }
            } catch .notPermitted {
                // A device that cannot be waited for.
                throw .invalidArgument
            }
        }

        private mutating func remove(_ knote: Knote) {
            forget(knote)
            for source in knote.filter.sources {
                try? set(of: source) { set throws(Errno) in try set.remove(source.descriptor) }
            }
        }

        private mutating func forget(_ knote: Knote) {
            knotes[knote.name] = nil
            knotesByToken[knote.token] = nil
        }

        // MARK: Events

        /// What has happened, and whether there were hints, so that there may be more.
        mutating func fetch(upTo count: Int) -> (events: [KernelEvent], mayBeMore: Bool) {
            var events: [KernelEvent] = []
            let count = min(count, 256)
            let hints = (try? epoll.wait(upTo: count, until: .now)) ?? []
            for (index, hint) in hints.enumerated() {
                guard hint.token == Self.writeToken else {
                    if let event = event(of: hint) { events.append(event) }
                    continue
                }
                // Hints are given once: no more of them are taken than there is room for.
                let room = count - events.count - (hints.count - index - 1)
                let writeHints = (try? writeEpoll.wait(upTo: room, until: .now)) ?? []
                for hint in writeHints {
                    if let event = event(of: hint) { events.append(event) }
                }
            }
            return (events, !hints.isEmpty)
        }

        private mutating func event(of hint: Epoll.Event) -> KernelEvent? {
            guard let hinted = knotesByToken[hint.token], let knote = attachedKnote(hinted.name), !knote.isDisabled,
                let event = knote.event()
            else { return nil }
            if knote.flags.contains(.oneShot) {
                remove(knote)
                return event
            }
            if knote.flags.contains(.clear) { knote.filter.clear() }
            if knote.flags.contains(.dispatch) {
                knote.isDisabled = true
            } else if !knote.flags.contains(.clear) {
                hintAgain(of: knote)
            }
            return event
        }

        /// Gives a hint of a knote at once if its source is ready, and when it is next.
        private func hintAgain(of knote: Knote) {
            for source in knote.filter.sources {
                // It fails for a descriptor that was closed meanwhile: nobody is to be told of that.
                try? set(of: source) { set throws(Errno) in
                    try set.modify(source.descriptor, source.events, token: knote.token)
                }
            }
        }

        // MARK: Closed descriptors

        /// The knote of that name, unless its descriptor was closed, which a kernel would have told its kqueues.
        private mutating func attachedKnote(_ name: Knote.Name) -> Knote? {
            guard let knote = knotes[name] else { return nil }
            guard knote.filter.isAttached, knote.filter.sources.allSatisfy({ isWatched($0) }) else {
                remove(knote)
                return nil
            }
            return knote
        }

        /// Whether a number still names the open file that is watched.
        private func isWatched(_ source: Source) -> Bool {
            guard source.isBorrowed else { return true }
            // epoll knows a descriptor by number and open file: only what it has cannot be added.
            do throws(Errno) {
                try set(of: source) { set throws(Errno) in
                    try set.add(source.descriptor, .edgeTriggered, token: .max)
                    try set.remove(source.descriptor)
                }
                return false
            } catch {
                return error == .fileExists
            }
        }

        private func set(
            of source: Source, _ body: (borrowing Epoll) throws(Errno) -> Void
        ) throws(Errno) {
            if source.isForWriting { try body(writeEpoll) } else { try body(epoll) }
        }
    }
#endif
