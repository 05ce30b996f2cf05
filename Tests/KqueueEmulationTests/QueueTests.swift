import KqueueEmulation
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("kqueue and kevent")
struct QueueTests {
    private let bench = Workbench()
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    @Test("DESCRIPTION, 1st paragraph: an event is identified by ident and filter, and is there once")
    func identity() throws {
        let sockets = try bench.sockets()
        try sockets.far.write("x")
        let descriptor = sockets.near.descriptor
        try kqueue.change(KernelEvent(descriptor, .read, .add), KernelEvent(descriptor, .write, .add))
        try kqueue.change(KernelEvent(descriptor, .read, .add), KernelEvent(UInt(descriptor.rawValue), .user, .add))
        #expect(try Set(kqueue.look().map(\.filter)) == [.read, .write])
        #expect(try kqueue.look().count == 2)
    }

    @Test("DESCRIPTION, 2nd paragraph: a condition that holds already is found when the event is added")
    func preexisting() throws {
        let pipe = try bench.pipe()
        try pipe.far.write("before")
        for flags: KernelEvent.Flags in [[], .clear, .oneShot, .dispatch] {
            let kqueue = try TestedKqueue()
            try kqueue.change(KernelEvent(pipe.near.descriptor, .read, flags.union(.add)))
            #expect(try kqueue.look().map(\.data) == [6])
        }
    }

    @Test("DESCRIPTION, 3rd paragraph: what no longer holds when it is fetched is not returned")
    func noLongerSo() throws {
        let pipe = try bench.pipe()
        for flags: KernelEvent.Flags in [[], .clear, .oneShot, .dispatch] {
            try kqueue.change(KernelEvent(pipe.near.descriptor, .read, flags.union(.add)))
            try pipe.far.write("x")
            #expect(try pipe.near.read() == "x")
            #expect(try kqueue.look() == [])
            try pipe.far.write("yz")
            #expect(try kqueue.look().map(\.data) == [2])
            #expect(try pipe.near.read() == "yz")
        }
    }

    @Test("DESCRIPTION, 4th paragraph: several occurrences are told as one event")
    func aggregated() throws {
        let pipe = try bench.pipe()
        try kqueue.change(
            KernelEvent(pipe.near.descriptor, .read, [.add, .clear]), KernelEvent(7, .user, [.add, .clear]))
        for _ in 1...3 {
            try pipe.far.write("abc")
            try kqueue.change(KernelEvent(7, .user, fflags: .trigger))
        }
        #expect(
            try kqueue.look().map { [$0.ident == 7 ? 7 : 0, $0.data] }.sorted { $0[0] < $1[0] } == [[0, 9], [7, 0]])
        #expect(try kqueue.look() == [])
    }

    @Test(
        "DESCRIPTION, 4th paragraph: closing a descriptor removes its events, also when its file stays open",
        arguments: [[], .clear, .disable] as [KernelEvent.Flags])
    func closed(flags: KernelEvent.Flags) throws {
        let sockets = try bench.sockets()
        let end = try bench.duplicateAtPrivateNumber(sockets.near)
        let changes = [KernelEvent.Filter.read, .write].map { KernelEvent(end.descriptor, $0, flags.union(.add)) }
        #expect(try kqueue.answer(to: changes).count == (flags == .disable ? 0 : 1))
        end.close()
        try sockets.far.write("x")
        #expect(try kqueue.look() == [])
        try sockets.far.write("y")
        #expect(try kqueue.look() == [])
        #expect(throws: Errno.badFileDescriptor) { try kqueue.change(KernelEvent(end.descriptor, .read, .delete)) }
    }

    @Test("DESCRIPTION, 4th paragraph: the number of a closed descriptor starts anew with its next file")
    func reused() throws {
        let (old, new) = (try bench.sockets(), try bench.pipe())
        let end = try bench.duplicateAtPrivateNumber(old.near)
        try kqueue.change(KernelEvent(end.descriptor, .read, .add, udata: 1))
        try end.becomeDuplicate(of: new.near)
        try new.far.write("x")
        try old.far.write("x")
        #expect(try kqueue.look() == [])
        for flags: KernelEvent.Flags in [.delete, .enable, .disable, []] {
            #expect(throws: Errno.noSuchFileOrDirectory) {
                try kqueue.change(KernelEvent(end.descriptor, .read, flags))
            }
        }
        try kqueue.change(KernelEvent(end.descriptor, .read, .add, udata: 2))
        #expect(try kqueue.look().map(\.udata) == [2])
        // And back to the file that it had at first.
        try end.becomeDuplicate(of: old.near)
        #expect(try kqueue.look() == [])
        try kqueue.change(KernelEvent(end.descriptor, .read, .add, udata: 3))
        #expect(try kqueue.look().map(\.udata) == [3])
    }

    @Test("DESCRIPTION, 4th paragraph: so it does when that is the other end of the same pipe")
    func reusedByOtherEnd() throws {
        let pipe = try bench.pipe()
        let end = try bench.duplicateAtPrivateNumber(pipe.near)
        try kqueue.change(KernelEvent(end.descriptor, .read, .add, udata: 1))
        try end.becomeDuplicate(of: pipe.far)
        try pipe.far.write("x")
        #expect(try kqueue.look() == [])
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(KernelEvent(end.descriptor, .read, .delete)) }
    }

    @Test("DESCRIPTION, 4th paragraph: and when it is the same open file, after the event was found to be gone")
    func reusedBySameFile() throws {
        let sockets = try bench.sockets()
        let end = try bench.duplicateAtPrivateNumber(sockets.near)
        try kqueue.change(KernelEvent(end.descriptor, .read, .add, udata: 1))
        end.close()
        try sockets.far.write("x")
        #expect(try kqueue.look() == [])
        let again = try bench.duplicate(sockets.near, at: end.descriptor)
        #expect(try kqueue.look() == [])
        try kqueue.change(KernelEvent(again.descriptor, .read, .add, udata: 2))
        for _ in 1...2 { #expect(try kqueue.look().map(\.udata) == [2]) }
        try kqueue.change(KernelEvent(again.descriptor, .read, .delete))
        #expect(try kqueue.look() == [])
    }

    @Test("DESCRIPTION, kqueue: a forked process does not inherit the queue, and does not disturb it")
    func forked() throws {
        #expect(try runHelper("KqueueHelper", ["fork"]) == .success)
    }

    @Test("DESCRIPTION, kevent: all changes are applied before events are fetched")
    func changesFirst() throws {
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        let descriptor = pipe.near.descriptor
        #expect(try kqueue.answer(to: [KernelEvent(descriptor, .read, .add)]).count == 1)
        #expect(try kqueue.answer(to: [KernelEvent(descriptor, .read, .disable)]).isEmpty)
        let changes = [KernelEvent(descriptor, .read, .delete), KernelEvent(descriptor, .read, .add, udata: 9)]
        #expect(try kqueue.answer(to: changes).map(\.udata) == [9])
    }

    @Test("DESCRIPTION, kevent: without room for events the call returns at once, whatever its timeout")
    func noRoom() throws {
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var events = [KernelEvent(1, .user)]
        try kqueue.kevent([KernelEvent(pipe.near.descriptor, .read, .add)], into: &events, upTo: 0, timeout: nil)
        #expect(events == [])
        try kqueue.kevent([], into: &events, upTo: 0, timeout: .seconds(3600))
        #expect(try kqueue.look().count == 1)
    }

    @Test("DESCRIPTION, kevent: the timeout is the longest wait for an event, zero only looks")
    func timeout() throws {
        var events: [KernelEvent] = []
        for timeout in [Duration.zero, .nanoseconds(1), .microseconds(300), .milliseconds(3)] {
            let deadline = Deadline.after(timeout)
            try kqueue.kevent([], into: &events, upTo: 1, timeout: timeout)
            #expect(deadline.hasPassed)
            #expect(events.isEmpty)
        }
    }

    @Test("DESCRIPTION, kevent: without a timeout it waits for the first event")
    func waits() throws {
        let pipe = try bench.pipe()
        try kqueue.change(KernelEvent(pipe.near.descriptor, .read, .add))
        let waiter = try Background { [kqueue] in
            var events: [KernelEvent] = []
            try kqueue.kevent([], into: &events, upTo: 1, timeout: nil)
            return events
        }
        try pipe.far.write("x")
        #expect(try waiter.get().map(\.data) == [1])
    }

    @Test("DESCRIPTION, kevent: changes and events may be the same array")
    func sameArray() throws {
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        var both = [KernelEvent(pipe.near.descriptor, .read, .add, udata: 5)]
        try kqueue.kevent(both, into: &both, upTo: 4, timeout: .zero)
        #expect(both == [KernelEvent(pipe.near.descriptor, .read, data: 1, udata: 5)])
    }

    @Test("DESCRIPTION, fields: udata comes back as it was given last")
    func udata() throws {
        let pipe = try bench.pipe()
        try pipe.far.write("x")
        for udata: UInt in [0, 1, .max, 1 << 63] {
            try kqueue.change(KernelEvent(pipe.near.descriptor, .read, .add, udata: udata))
            #expect(try kqueue.look().map(\.udata) == [udata])
        }
        try kqueue.change(KernelEvent(pipe.near.descriptor, .read, .enable, udata: 77))
        #expect(try kqueue.look().map(\.udata) == [77])
    }

    @Test("RETURN VALUES: no more events are fetched than there is room for, and the others come next")
    func rounds() throws {
        let sockets = try bench.sockets()
        let ends = try (0..<40).map { _ in try bench.duplicate(sockets.near) }
        try sockets.far.write("x")
        for end in ends {
            try kqueue.change(
                KernelEvent(end.descriptor, .read, [.add, .clear]), KernelEvent(end.descriptor, .write, [.add, .clear]))
        }
        var told: [KernelEvent] = []
        for count in [1, 3, 7, 20, 40, 100] {
            let events = try kqueue.look(upTo: count)
            #expect(events.count <= count && !events.isEmpty)
            told += events
        }
        #expect(told.count == 80)
        #expect(Set(told.map { [Int($0.ident), Int($0.filter.rawValue)] }).count == 80)
        #expect(try kqueue.look() == [])
    }

    @Test("EVFILT_READ, Kqueues: the queue's own descriptor is readable when events are pending, also for a queue")
    func ofQueues() throws {
        let pipe = try bench.pipe()
        let outer = try TestedKqueue()
        try outer.change(KernelEvent(kqueue.descriptor, .read, .add))
        try kqueue.change(KernelEvent(pipe.near.descriptor, .read, .add), KernelEvent(1, .user, [.add, .clear]))
        func isReadable() throws -> Bool { try !kqueue.descriptor.wait(for: .readable, until: .now).isEmpty }
        #expect(try !isReadable())
        #expect(try outer.look() == [])
        try pipe.far.write("x")
        #expect(try isReadable())
        #expect(try outer.look().map(\.data) == [1])
        #expect(try kqueue.look().count == 1)
        #expect(try isReadable())
        #expect(try pipe.near.read() == "x")
        #expect(try kqueue.look() == [])
        #expect(try !isReadable())
        try kqueue.change(KernelEvent(1, .user, fflags: .trigger))
        #expect(try outer.look().count == 1)
        #expect(try kqueue.look().count == 1)
        #expect(try outer.look() == [])
    }
}
