import Reactor
import Syscalls
import TestSupport
import Testing

/// What handlers may do while the events that were reported together with theirs are still to be delivered.
@Suite("Changes during delivery")
struct BatchTests {
    private let bench = Workbench()

    @Test("a handler that removes itself is not called again, though there is more to read", arguments: Backend.all)
    func removesItself(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
        #expect(told == ["reader", "writer"])
        #expect(reactor.readers == [] && reactor.writers == [])
    }

    @Test("a reader that removes the writer of its descriptor has its event not told to it", arguments: Backend.all)
    func removesOtherDirection(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let sockets = try bench.sockets()
        try sockets.far.write("x")
        var told: [String] = []
        try reactor.addReader(sockets.near.descriptor) { _ in
            told.append("reader")
            reactor.removeWriter(sockets.near.descriptor)
        }
        try reactor.addWriter(sockets.near.descriptor) { _ in told.append("writer") }
        try reactor.look()
        #expect(told == ["reader"])
    }

    @Test("a handler is not called for an event after another handler has removed it", arguments: Backend.all)
    func removesAnother(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
        #expect(told.count == 2 && told[0] == told[1])
        #expect(reactor.readers == [pipes[told[0]].near.descriptor])
    }

    @Test(
        "a number that is another file's by the time of delivery does not get the old one's event",
        arguments: Backend.all)
    func reusedNumber(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
                    Issue.record(error)
                }
            }
        }
        for _ in 1...2 { try reactor.look() }
        #expect(told == ["ready"])
        try quiet.far.write("x")
        try reactor.look()
        #expect(told == ["ready", "new"])
    }

    @Test("a handler that is replaced during delivery has its event told to the new one", arguments: Backend.all)
    func replacesAnother(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let pipes = [try bench.pipe(), try bench.pipe()]
        var told: [String] = []
        for index in 0...1 {
            try pipes[index].far.write("x")
            try reactor.addReader(pipes[index].near.descriptor) { _ in
                told.append("old")
                do {
                    try reactor.addReader(pipes[1 - index].near.descriptor) { _ in told.append("new") }
                } catch {
                    Issue.record(error)
                }
            }
        }
        try reactor.look()
        #expect(told == ["old", "new"])
    }

    @Test("a descriptor that is added during delivery is told of from the next round on", arguments: Backend.all)
    func addsAnother(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
        let pipes = [try bench.pipe(), try bench.pipe()]
        for pipe in pipes { try pipe.far.write("x") }
        var told: [Int] = []
        try reactor.addReader(pipes[0].near.descriptor) { _ in
            told.append(0)
            reactor.removeReader(pipes[0].near.descriptor)
            do {
                try reactor.addReader(pipes[1].near.descriptor) { _ in told.append(1) }
            } catch {
                Issue.record(error)
            }
        }
        try reactor.look()
        #expect(told == [0])
        try reactor.look()
        #expect(told == [0, 1])
    }

    @Test(
        "a handler that runs the reactor has the others served, and is not called within itself", arguments: Backend.all
    )
    func nestedRound(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
                Issue.record(error)
            }
            told.append("outer ends")
        }
        try reactor.look()
        try reactor.look()
        #expect(told == ["outer begins", "inner", "outer ends"])
        try outer.far.write("x")
        try reactor.look()
        #expect(told == ["outer begins", "inner", "outer ends", "outer begins", "inner", "outer ends"])
    }

    @Test("what a handler held may use the reactor when it is let go of", arguments: Backend.all)
    func releasedHandlers(backend: Backend) throws {
        let reactor = try bench.reactor(backend)
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
        #expect(released == 1)
        // Replaced: the old holder, too late, takes the new handler off.
        try watch()
        try reactor.addReader(descriptor) { _ in }
        #expect(released == 2)
        #expect(reactor.readers == [])
        try watch()
        try reactor.reinitialize(keepingHandlers: false)
        #expect(released == 3)

        func addTimer(after delay: Duration) -> TimerID {
            let holder = OnRelease {
                released += 1
                reactor.cancelTimer(reactor.addTimer(after: .zero) {})
            }
            return reactor.addTimer(after: delay) { holder.touch() }
        }
        reactor.cancelTimer(addTimer(after: .seconds(3600)))
        #expect(released == 4)
        _ = addTimer(after: .zero)
        try reactor.look()
        #expect(released == 5)
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
