import KqueueEmulation
import ReactorConformance
import Syscalls
import TestSupport
import Testing

@Suite("Errors of kevent")
struct ErrorTests {
    private let bench = Workbench()
    private let kqueue: TestedKqueue

    init() throws { kqueue = try TestedKqueue() }

    @Test(
        "ERRORS, EBADF: a descriptor that is not open is invalid, whatever is done with it",
        arguments: [.read, .write] as [KernelEvent.Filter],
        [.add, .delete, .enable, .disable, []] as [KernelEvent.Flags])
    func notOpen(filter: KernelEvent.Filter, flags: KernelEvent.Flags) throws {
        let end = try bench.duplicateAtPrivateNumber(try bench.pipe().near)
        end.close()
        for ident in [UInt(end.descriptor.rawValue), UInt.max, UInt(CInt.max), UInt(CInt.max) + 1, 1 << 32] {
            #expect(throws: Errno.badFileDescriptor) { try kqueue.change(KernelEvent(ident, filter, flags)) }
        }
    }

    @Test("ERRORS, EINVAL: a filter that there is not, and a timeout before now, are invalid")
    func invalid() throws {
        for number: Int16 in [0, 1, -100, .min, .max] {
            let filter = KernelEvent.Filter(rawValue: number)
            #expect(throws: Errno.invalidArgument) { try kqueue.change(KernelEvent(0, filter, .add)) }
        }
        var events: [KernelEvent] = []
        #expect(throws: Errno.invalidArgument) {
            try kqueue.kevent([], into: &events, upTo: 1, timeout: .nanoseconds(-1))
        }
    }

    @Test(
        "ERRORS, ENOENT: what is not there can be neither changed nor deleted",
        arguments: [.read, .write, .user, .timer, .signal, .process] as [KernelEvent.Filter],
        [.delete, .enable, .disable, []] as [KernelEvent.Flags])
    func notThere(filter: KernelEvent.Filter, flags: KernelEvent.Flags) throws {
        let ident = UInt(try bench.pipe().near.descriptor.rawValue)
        #expect(throws: Errno.noSuchFileOrDirectory) { try kqueue.change(KernelEvent(ident, filter, flags)) }
    }

    @Test("ERRORS, EINTR: a signal ends the wait, and the changes were applied")
    func interrupted() throws {
        #expect(try runHelper("KqueueHelper", ["interrupted"]) == .success)
    }
}
