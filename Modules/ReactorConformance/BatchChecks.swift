import Reactor
import Syscalls

extension ConformanceCheck {
    /// What handlers may do while the events that were reported together with theirs are still to be delivered.
    static let batchChecks = [
        ConformanceCheck(
            "a handler that removes itself is not called again, though there is more to read",
            BatchChecks.removesItself),
        ConformanceCheck(
            "a reader that removes the writer of its descriptor has its event not told to it",
            BatchChecks.removesOtherDirection),
        ConformanceCheck(
            "a handler is not called for an event after another handler has removed it",
            BatchChecks.removesAnother),
        ConformanceCheck(
            "a number that is another file's by the time of delivery does not get the old one's event",
            BatchChecks.reusedNumber),
        ConformanceCheck(
            "a handler that is replaced during delivery has its event told to the new one",
            BatchChecks.replacesAnother),
        ConformanceCheck(
            "a descriptor that is added during delivery is told of from the next round on",
            BatchChecks.addsAnother),
        ConformanceCheck(
            "a handler that runs the reactor has the others served, and is not called within itself",
            BatchChecks.nestedRound),
        ConformanceCheck(
            "what a handler held may use the reactor when it is let go of",
            BatchChecks.releasedHandlers),
    ]
}

private enum BatchChecks {

    static func removesItself(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        try sockets.far.write("xyz")
        var told: [String] = []
        try reactor.addReader(descriptor) { _ in
            told.append("reader")
            reactor.removeReader(descriptor)
        }
        try reactor.addWriter(descriptor) { _ in
            told.append("writer")
            reactor.removeWriter(descriptor)
        }
        for _ in 1...3 { try reactor.look() }
        bench.expectEqual(told, ["reader", "writer"])
        bench.expect(reactor.readers == [] && reactor.writers == [])
    }

    static func removesOtherDirection(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        try sockets.far.write("x")
        var told: [String] = []
        try reactor.addReader(sockets.near.descriptor) { _ in
            told.append("reader")
            reactor.removeWriter(sockets.near.descriptor)
        }
        try reactor.addWriter(sockets.near.descriptor) { _ in told.append("writer") }
        try reactor.look()
        bench.expectEqual(told, ["reader"])
    }

    static func removesAnother(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipes = [try bench.pipe(), try bench.pipe()]
        var told: [Int] = []
        for index in 0...1 {
            try pipes[index].far.write("x")
            // Whichever is first: its event and the other's are of the same batch.
            try reactor.addReader(pipes[index].near.descriptor) { _ in
                told.append(index)
                reactor.removeReader(pipes[1 - index].near.descriptor)
            }
        }
        for _ in 1...2 { try reactor.look() }
        bench.expect(told.count == 2 && told[0] == told[1])
        bench.expectEqual(reactor.readers, [pipes[told[0]].near.descriptor])
    }

    static func reusedNumber(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipes = [try bench.pipe(), try bench.pipe()]
        let quiet = try bench.pipe()
        var told: [String] = []
        for index in 0...1 {
            try pipes[index].far.write("x")
            try reactor.addReader(pipes[index].near.descriptor) { _ in
                told.append("ready")
                let other = pipes[1 - index].near
                reactor.removeReader(other.descriptor)
                reactor.removeReader(pipes[index].near.descriptor)
                do {
                    try other.becomeDuplicate(of: quiet.near)
                    try reactor.addReader(other.descriptor) { _ in told.append("new") }
                } catch {
                    bench.record(error)
                }
            }
        }
        for _ in 1...2 { try reactor.look() }
        bench.expectEqual(told, ["ready"])
        try quiet.far.write("x")
        try reactor.look()
        bench.expectEqual(told, ["ready", "new"])
    }

    static func replacesAnother(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipes = [try bench.pipe(), try bench.pipe()]
        var told: [String] = []
        for index in 0...1 {
            try pipes[index].far.write("x")
            try reactor.addReader(pipes[index].near.descriptor) { _ in
                told.append("old")
                do {
                    try reactor.addReader(pipes[1 - index].near.descriptor) { _ in told.append("new") }
                } catch {
                    bench.record(error)
                }
            }
        }
        try reactor.look()
        bench.expectEqual(told, ["old", "new"])
    }

    static func addsAnother(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let pipes = [try bench.pipe(), try bench.pipe()]
        for pipe in pipes { try pipe.far.write("x") }
        var told: [Int] = []
        try reactor.addReader(pipes[0].near.descriptor) { _ in
            told.append(0)
            reactor.removeReader(pipes[0].near.descriptor)
            do {
                try reactor.addReader(pipes[1].near.descriptor) { _ in told.append(1) }
            } catch {
                bench.record(error)
            }
        }
        try reactor.look()
        bench.expectEqual(told, [0])
        try reactor.look()
        bench.expectEqual(told, [0, 1])
    }

    static func nestedRound(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let outer = try bench.pipe()
        let inner = try bench.pipe()
        var told: [String] = []
        try outer.far.write("x")
        try reactor.addReader(outer.near.descriptor) { _ in
            told.append("outer begins")
            do {
                _ = try outer.near.read()
                try reactor.addReader(inner.near.descriptor) { _ in
                    told.append("inner")
                    _ = try? inner.near.read()
                }
                try inner.far.write("x")
                reactor.handle.schedule { _ in }
                try reactor.run { told.last == "inner" }
            } catch {
                bench.record(error)
            }
            told.append("outer ends")
        }
        try reactor.look()
        try reactor.look()
        bench.expectEqual(told, ["outer begins", "inner", "outer ends"])
        try outer.far.write("x")
        try reactor.look()
        bench.expectEqual(told, ["outer begins", "inner", "outer ends", "outer begins", "inner", "outer ends"])
    }

    static func releasedHandlers(_ bench: Workbench) throws {
        let reactor = try bench.reactor()
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        var released = 0
        /// As a connection that takes itself off the reactor in its `deinit`.
        func watch() throws {
            let holder = OnRelease {
                released += 1
                reactor.removeReader(descriptor)
                reactor.removeWriter(descriptor)
                reactor.removeChild(ProcessID(rawValue: .max))
                reactor.cancelTimer(reactor.addTimer(after: .zero) {})
            }
            try reactor.addReader(descriptor) { _ in holder.touch() }
        }
        try watch()
        reactor.removeReader(descriptor)
        bench.expectEqual(released, 1)
        // Replaced: the old holder, too late, takes the new handler off.
        try watch()
        try reactor.addReader(descriptor) { _ in }
        bench.expectEqual(released, 2)
        bench.expectEqual(reactor.readers, [])
        try watch()
        try reactor.reinitialize(keepingHandlers: false)
        bench.expectEqual(released, 3)

        func addTimer(after delay: Duration) -> TimerID {
            let holder = OnRelease {
                released += 1
                reactor.cancelTimer(reactor.addTimer(after: .zero) {})
            }
            return reactor.addTimer(after: delay) { holder.touch() }
        }
        reactor.cancelTimer(addTimer(after: .seconds(3600)))
        bench.expectEqual(released, 4)
        _ = addTimer(after: .zero)
        try reactor.look()
        bench.expectEqual(released, 5)
    }
}

/// Does something when the last reference to it goes.
private final class OnRelease {
    private let action: () -> Void

    init(_ action: @escaping () -> Void) {
        self.action = action
    }

    func touch() {}

    deinit {
        action()
    }
}
