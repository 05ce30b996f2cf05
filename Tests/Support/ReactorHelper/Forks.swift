import Reactor
import Syscalls
import TestSupport

/// A reactor on both sides of a fork.
let forkCommands: HelperCommands = [
    "fork-empty": {
        let parent = try Watched()
        let events = parent.events
        try parent.pipe.writeEnd.descriptor.writeAll("x")
        parent.reactor.handle.schedule { _ in events.append("job") }
        parent.reactor.addTimer(after: .zero) { events.append("timer") }
        let sleeper = try forkChild { _ = try parent.gate.readEnd.descriptor.readExactly(1) }
        try parent.reactor.addChild(sleeper) { events.append("\($0)") }

        let child = try forkChild {
            let reactor = parent.reactor
            try reactor.reinitialize(keepingHandlers: false)
            checkEqual(reactor.readers, [])
            checkEqual(reactor.writers, [])
            // The job's announcement, too, was the parent's.
            try reactor.look()
            reactor.handle.schedule { _ in events.append("own job") }
            try reactor.look()
            checkEqual(events.all, ["own job"])
            let own = try Pipe()
            try own.writeEnd.descriptor.writeAll("y")
            try reactor.addReader(own.readEnd.descriptor) { _ in events.append("own reader") }
            try reactor.addReader(parent.pipe.readEnd.descriptor) { _ in events.append("shared reader") }
            try reactor.look()
            checkEqual(Set(events.all), ["own job", "own reader", "shared reader"])
            // None of that is the parent's business.
            reactor.removeReader(parent.pipe.readEnd.descriptor)
        }
        try checkSucceeds(child)
        checkEqual(parent.reactor.readers.contains(parent.pipe.readEnd.descriptor), true)
        try parent.reactor.look()
        checkEqual(Set(events.all), ["reader", "job", "timer"])
        try parent.openGate()
        try parent.run(until: "exited with code 0")
    },
    "fork-keeping": {
        let parent = try Watched()
        let events = parent.events
        let descriptor = parent.pipe.readEnd.descriptor
        let sockets = try SocketPair()
        try parent.reactor.addWriter(sockets.first.descriptor) { _ in events.append("writer") }
        var timer: TimerID?
        timer = parent.reactor.addTimer(after: .zero, repeating: .seconds(3600)) { events.append("timer") }
        let child = try forkChild {
            let reactor = parent.reactor
            try reactor.reinitialize(keepingHandlers: true)
            checkEqual(reactor.readers, [descriptor])
            checkEqual(reactor.writers, [sockets.first.descriptor])
            try reactor.look()
            checkEqual(events.all, ["writer", "timer"])
            try parent.pipe.writeEnd.descriptor.writeAll("x")
            try reactor.look()
            checkEqual(events.all.sorted(), ["reader", "timer", "writer", "writer"])
            reactor.handle.schedule { $0.stop() }
            try reactor.run()
            reactor.removeReader(descriptor)
            reactor.removeWriter(sockets.first.descriptor)
            reactor.cancelTimer(timer!)
            checkEqual(reactor.readers, [])
        }
        try checkSucceeds(child)
        // The pipe is shared, so what the child wrote is the parent's to read. Its books are its own.
        try parent.reactor.look()
        checkEqual(events.all.sorted(), ["reader", "timer", "writer"])
        checkEqual(parent.reactor.readers, [descriptor])
    },
    "fork-both": {
        let parent = try Watched()
        let events = parent.events
        let answers = try Pipe()
        let writeEnd = answers.writeEnd.descriptor
        let child = try forkChild {
            let reactor = parent.reactor
            try reactor.reinitialize(keepingHandlers: false)
            try reactor.addReader(parent.gate.readEnd.descriptor) { _ in
                check((try? parent.gate.readEnd.descriptor.readExactly(1)) != nil, "the parent is gone")
                reactor.handle.schedule { reactor in
                    events.append("child's job")
                    try? writeEnd.writeAll("a")
                    if events.all.count == 100 { reactor.stop() }
                }
            }
            try reactor.run()
        }
        // Each round wakes the child, which wakes itself and answers; the parent gets the answer and nothing else.
        for round in 1...100 {
            try parent.gate.writeEnd.descriptor.writeAll("q")
            var answer: [UInt8] = []
            try parent.reactor.addReader(answers.readEnd.descriptor) { _ in
                answer = (try? answers.readEnd.descriptor.read(upTo: 2)) ?? []
            }
            try parent.reactor.runOnce(timeout: Deadline.generous.remaining)
            checkEqual(answer, Array("a".utf8))
            checkEqual(events.all, Array(repeating: "own job", count: round - 1))
            parent.reactor.handle.schedule { _ in events.append("own job") }
            try parent.reactor.look()
        }
        try checkSucceeds(child)
    },
    "fork-in-handler": {
        let reactor = try makeReactor()
        let pipes = [Watchable(try Pipe()), Watchable(try Pipe())]
        let quiet = try Pipe()
        let events = Events()
        var child: ProcessID?
        for index in 0...1 {
            try pipes[index].writeEnd.writeAll("x")
            try reactor.addReader(pipes[index].readEnd) { _ in
                events.append("parent")
                guard child == nil else { return reactor.stop() }
                switch try? forkProcess() {
                case .parent(let forked): child = forked
                case nil: fail("no fork")
                case .child:
                    // The other's event is still to be delivered; in this process nobody wants it.
                    do {
                        try reactor.reinitialize(keepingHandlers: false)
                        for pipe in pipes {
                            try pipe.readEnd.becomeDuplicate(of: quiet.readEnd.descriptor)
                            try reactor.addReader(pipe.readEnd) { _ in fail("an event of the parent's was told") }
                        }
                        reactor.addTimer(after: .milliseconds(1)) { exitImmediately(0) }
                    } catch {
                        fail("child: \(error)")
                    }
                }
            }
        }
        try reactor.run()
        try checkSucceeds(child!)
        checkEqual(events.all, ["parent", "parent"])
        // The handlers are gone in the child, and the pipes must not go with them.
        withExtendedLifetime(pipes) {}
    },
    "fork-untouched": {
        let parent = try Watched()
        let events = parent.events
        let child = try forkChild { _ = try parent.gate.readEnd.descriptor.readExactly(1) }
        for _ in 1...3 {
            try parent.pipe.writeEnd.descriptor.writeAll("x")
            try parent.run(until: "reader")
            _ = try parent.pipe.readEnd.descriptor.readExactly(1)
            events.removeAll()
        }
        // The child's copy keeps the file open, which would keep the kernel telling of it.
        parent.reactor.removeReader(parent.pipe.readEnd.descriptor)
        try parent.pipe.writeEnd.descriptor.writeAll("x")
        try parent.reactor.look()
        checkEqual(events.all, [])
        try parent.openGate()
        try checkSucceeds(child)
    },
]
