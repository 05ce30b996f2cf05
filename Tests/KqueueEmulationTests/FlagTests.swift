import KqueueEmulation
import ReactorConformance
import Syscalls
import Testing

@Suite("Flags of changes and events")
struct FlagTests {
    private let bench = Workbench()
    private let kqueue: TestedKqueue
    private let pipe: Channel
    private let descriptor: FileDescriptor

    init() throws {
        kqueue = try TestedKqueue()
        pipe = try bench.pipe()
        descriptor = pipe.near.descriptor
    }

    private func read(_ flags: KernelEvent.Flags, udata: UInt = 0) -> KernelEvent {
        KernelEvent(descriptor, .read, flags, udata: udata)
    }

    @Test("EV_ADD: adding an existing event changes it, and makes no second one")
    func addAgain() throws {
        try pipe.far.write("x")
        try kqueue.change(read(.add, udata: 1))
        #expect(try kqueue.look() == [KernelEvent(descriptor, .read, data: 1, udata: 1)])
        try kqueue.change(read([.add, .clear], udata: 2))
        #expect(try kqueue.look() == [KernelEvent(descriptor, .read, .clear, data: 1, udata: 2)])
        #expect(try kqueue.look() == [])
        try kqueue.change(read([.add, .oneShot], udata: 3))
        #expect(try kqueue.look() == [KernelEvent(descriptor, .read, .oneShot, data: 1, udata: 3)])
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(read(.delete)) }
    }

    @Test("EV_ADD: an added event is enabled, unless EV_DISABLE says otherwise")
    func addEnables() throws {
        try pipe.far.write("x")
        try kqueue.change(read([.add, .disable]))
        #expect(try kqueue.look() == [])
        try kqueue.change(read(.add))
        #expect(try kqueue.look().count == 1)
        try kqueue.change(read([.add, .disable]))
        #expect(try kqueue.look() == [])
    }

    @Test("EV_ENABLE: lets the event be returned if it is triggered", arguments: [[], .clear] as [KernelEvent.Flags])
    func enable(flags: KernelEvent.Flags) throws {
        try kqueue.change(read([.add, .disable, flags]))
        try kqueue.change(read(.enable))
        #expect(try kqueue.look() == [])
        try kqueue.change(read(.disable))
        try pipe.far.write("x")
        #expect(try kqueue.look() == [])
        try kqueue.change(read(.enable))
        #expect(try kqueue.look().count == 1)
    }

    @Test("EV_DISABLE: the event is not returned, and its filter goes on")
    func disable() throws {
        try kqueue.change(KernelEvent(1, .user, [.add, .clear, .disable]), KernelEvent(1, .user, fflags: .trigger))
        #expect(try kqueue.look() == [])
        try kqueue.change(KernelEvent(1, .user, .enable))
        #expect(try kqueue.look().count == 1)
        try pipe.far.write("x")
        try kqueue.change(read([.add, .clear]))
        try kqueue.change(read(.disable))
        #expect(try kqueue.look() == [])
        #expect(try pipe.near.read() == "x")
        try kqueue.change(read(.enable))
        #expect(try kqueue.look() == [])
    }

    @Test("EV_DISPATCH: the event is disabled after it was delivered")
    func dispatch() throws {
        try kqueue.change(read([.add, .dispatch]))
        for text in ["x", "yy", "zzz"] {
            try pipe.far.write(text)
            #expect(try kqueue.look() == [KernelEvent(descriptor, .read, .dispatch, data: text.utf8.count)])
            #expect(try kqueue.look() == [])
            try pipe.far.write("more")
            #expect(try kqueue.look() == [])
            _ = try pipe.near.read()
            try kqueue.change(read(.enable))
            #expect(try kqueue.look() == [])
        }
        try pipe.far.write("x")
        #expect(try kqueue.look().count == 1)
        try kqueue.change(read(.enable))
        #expect(try kqueue.look().count == 1)
    }

    @Test("EV_DELETE: the event is gone")
    func delete() throws {
        try pipe.far.write("x")
        try kqueue.change(read(.add), KernelEvent(descriptor, .write, .add), KernelEvent(1, .user, .add))
        try kqueue.change(read(.delete), KernelEvent(1, .user, .delete))
        #expect(try kqueue.look() == [])
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(read(.delete)) }
        try kqueue.change(KernelEvent(descriptor, .write, .delete))
        try kqueue.change(read(.add))
        #expect(try kqueue.look().count == 1)
    }

    @Test("EV_RECEIPT: each change is answered with EV_ERROR and a data of zero, and no events are drained")
    func receipt() throws {
        try pipe.far.write("x")
        let answers = try kqueue.answer(
            to: [read([.add, .receipt], udata: 4), KernelEvent(2, .user, [.add, .receipt]), read([.receipt])])
        #expect(answers.map(\.ident) == [UInt(descriptor.rawValue), 2, UInt(descriptor.rawValue)])
        #expect(answers.map(\.filter) == [.read, .user, .read])
        #expect(answers.allSatisfy { $0.flags.contains(.error) && $0.data == 0 && $0.error == nil })
        #expect(answers[0].udata == 4)
        #expect(try kqueue.look().count == 1)
    }

    @Test("EV_RECEIPT: without room for the answer the changes after it are not processed")
    func receiptWithoutRoom() throws {
        try pipe.far.write("x")
        let changes = [KernelEvent(1, .user, .add), read([.add, .receipt]), KernelEvent(2, .user, .add)]
        #expect(try kqueue.answer(to: changes, upTo: 0) == [])
        #expect(try kqueue.look().count == 1)
        try kqueue.change(KernelEvent(1, .user, .delete))
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(KernelEvent(2, .user, .delete)) }
    }

    @Test("EV_ONESHOT: only the first occurrence is returned, then the event is deleted")
    func oneShot() throws {
        try kqueue.change(read([.add, .oneShot]))
        #expect(try kqueue.look() == [])
        try pipe.far.write("x")
        #expect(try kqueue.look() == [KernelEvent(descriptor, .read, .oneShot, data: 1)])
        try pipe.far.write("y")
        #expect(try kqueue.look() == [])
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(read(.enable)) }
    }

    @Test("EV_CLEAR: the state is reset when it was retrieved: what is new is told, what stays is not")
    func clear() throws {
        try kqueue.change(read([.add, .clear]))
        for count in 1...3 {
            try pipe.far.write("x")
            #expect(try kqueue.look() == [KernelEvent(descriptor, .read, .clear, data: count)])
            #expect(try kqueue.look() == [])
        }
    }

    @Test("EV_CLEAR: the two directions of a socket are reset for themselves")
    func clearDirections() throws {
        let sockets = try bench.sockets()
        let descriptor = sockets.near.descriptor
        try kqueue.change(
            KernelEvent(descriptor, .read, [.add, .clear]), KernelEvent(descriptor, .write, [.add, .clear]))
        #expect(try kqueue.look().map(\.filter) == [.write])
        try sockets.far.write("x")
        #expect(try kqueue.look().map(\.filter) == [.read])
        #expect(try kqueue.look() == [])
    }

    @Test("without flags an event is returned for as long as its condition holds")
    func level() throws {
        try kqueue.change(read(.add))
        try pipe.far.write("xy")
        for _ in 1...3 { #expect(try kqueue.look().map(\.data) == [2]) }
        #expect(try pipe.near.read(upTo: 1) == "x")
        for _ in 1...3 { #expect(try kqueue.look().map(\.data) == [1]) }
        #expect(try pipe.near.read() == "y")
        #expect(try kqueue.look() == [])
    }

    @Test("RETURN VALUES: each change that fails is an event with EV_ERROR and the error, the others are applied")
    func failures() throws {
        try pipe.far.write("x")
        let changes = [
            read(.delete), read(.add), KernelEvent(1, .user, .enable),
            KernelEvent(FileDescriptor(rawValue: -1), .read, .add),
            KernelEvent(1, KernelEvent.Filter(rawValue: 100), .add),
            KernelEvent(UInt(CInt.max), .process, .add, fflags: .exit),
        ]
        let answers = try kqueue.answer(to: changes)
        #expect(
            answers.map(\.error) == [
                .noSuchFileOrDirectory, .noSuchFileOrDirectory, .badFileDescriptor, .invalidArgument, .noSuchProcess,
            ])
        #expect(answers.map(\.ident) == [changes[0], changes[2], changes[3], changes[4], changes[5]].map(\.ident))
        #expect(try kqueue.look().map(\.ident) == [UInt(descriptor.rawValue)])
    }

    @Test("RETURN VALUES: an error without room for it is thrown, and the changes after it are not applied")
    func failureWithoutRoom() throws {
        try pipe.far.write("x")
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try kqueue.change(KernelEvent(1, .user, .add), KernelEvent(2, .user, .delete), read(.add))
        }
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try kqueue.answer(to: [KernelEvent(2, .user, .delete), KernelEvent(3, .user, .delete)], upTo: 1)
        }
        try kqueue.change(KernelEvent(1, .user, .delete))
        #expect(try kqueue.look() == [])
    }
}
