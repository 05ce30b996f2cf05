import KqueueEmulation
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("EVFILT_USER")
struct UserFilterTests {
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    private func user(_ flags: KernelEvent.Flags = [], _ fflags: KernelEvent.FilterFlags = []) -> KernelEvent {
        KernelEvent(1, .user, flags, fflags: fflags)
    }

    private func bits(_ bits: UInt32) -> KernelEvent.FilterFlags { KernelEvent.FilterFlags(rawValue: bits) }

    @Test("NOTE_TRIGGER: triggers the event, which nothing else does")
    func trigger() throws {
        try kqueue.change(user([.add, .clear]))
        try kqueue.change(user(.enable), user([.add, .clear], bits(1)))
        #expect(try kqueue.look() == [])
        try kqueue.change(user([], .trigger))
        #expect(try kqueue.look() == [KernelEvent(1, .user, .clear)])
        #expect(try kqueue.look() == [])
        try kqueue.change(user(.disable), user(.enable))
        #expect(try kqueue.look() == [])
        try kqueue.change(user([.add, .clear], .trigger))
        #expect(try kqueue.look().count == 1)
        try kqueue.change(user(.delete))
        try kqueue.change(user([.add, .clear], .trigger))
        #expect(try kqueue.look().count == 1)
    }

    @Test("without EV_CLEAR it stays triggered")
    func level() throws {
        try kqueue.change(user([.add], .trigger))
        for _ in 1...3 { #expect(try kqueue.look() == [KernelEvent(1, .user)]) }
        try kqueue.change(user([.add, .clear]))
        #expect(try kqueue.look().count == 1)
        #expect(try kqueue.look() == [])
    }

    @Test("NOTE_FFNOP, NOTE_FFAND, NOTE_FFOR, NOTE_FFCOPY: what becomes of the lower 24 bits of fflags")
    func flags() throws {
        try kqueue.change(user([.add, .clear], bits(0xf0)))
        func triggered(_ fflags: KernelEvent.FilterFlags) throws -> UInt32? {
            try kqueue.change(user([], [.trigger, fflags]))
            return try kqueue.look().first?.fflags.rawValue
        }
        #expect(try triggered(bits(0xff_ffff)) == 0xf0)
        #expect(try triggered([.or, bits(0x0f)]) == 0xff)
        #expect(try triggered([.and, bits(0x3c)]) == 0x3c)
        #expect(try triggered([.copy, bits(0xab_cdef)]) == 0xab_cdef)
        #expect(try triggered([]) == 0xab_cdef)
        #expect(try triggered([.copy, bits(0x7e00_0000)]) == 0)
    }

    @Test("the event is identified by any number")
    func idents() throws {
        for ident: UInt in [0, 1, UInt(CInt.max) + 1, .max] {
            try kqueue.change(KernelEvent(ident, .user, [.add, .oneShot], fflags: .trigger))
            #expect(try kqueue.look().map(\.ident) == [ident])
        }
    }

    @Test("a trigger by another thread wakes one that waits")
    func wakes() throws {
        try kqueue.change(user([.add, .clear]))
        for _ in 1...20 {
            let other = try Background { [kqueue] in try kqueue.change(KernelEvent(1, .user, fflags: .trigger)) }
            #expect(try kqueue.next() == [KernelEvent(1, .user, .clear)])
            try other.get()
        }
    }
}
