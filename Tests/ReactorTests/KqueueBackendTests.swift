import Reactor
import ReactorConformance
import Syscalls
import TestSupport
import Testing

/// What the backend says to a kernel, and makes of what the kernel says. What comes of it in all is in the tests of the
/// emulation, which run the conformance kit.
@Suite("The kqueue backend and its kernel")
struct KqueueBackendTests {
    private let kernel = ScriptedKqueue()
    private let backend: KqueueBackend<ScriptedKqueue>
    private let pipe: KeptPipe
    private let descriptor: FileDescriptor

    private final class KeptPipe: Sendable {
        let pipe: Pipe
        init() throws { pipe = try Pipe() }
    }

    init() throws {
        backend = KqueueBackend(kernel: kernel)
        pipe = try KeptPipe()
        descriptor = pipe.pipe.readEnd.descriptor
    }

    private func change(
        _ filter: KernelEvent.Filter, _ flags: KernelEvent.Flags, _ token: UInt = 7
    ) -> KernelEvent {
        KernelEvent(descriptor, filter, flags.union(.receipt), udata: token)
    }

    private func wait() throws -> [ReadinessEvent] {
        var events: [ReadinessEvent] = []
        try backend.wait(timeout: .zero, into: &events)
        return events
    }

    @Test(
        "each direction is added for itself, in one call that cannot fetch events",
        arguments: [
            ([], []), (.edgeTriggered, .clear), (.oneShot, .dispatch),
            ([.edgeTriggered, .oneShot], [.clear, .dispatch]),
        ]
            as [(Interest, KernelEvent.Flags)])
    func registers(trigger: Interest, flags: KernelEvent.Flags) throws {
        try backend.register(descriptor, interest: [.readable, .writable, trigger], token: 7)
        let changes = [change(.read, [.add, flags]), change(.write, [.add, flags])]
        #expect(kernel.takeCalls() == [.init(changes: changes, count: 2, timeout: .zero)])
    }

    @Test("when the kernel refuses one direction, neither is watched")
    func refused() throws {
        kernel.script(.receipts([nil, .noMemory]))
        #expect(throws: Errno.noMemory) {
            try backend.register(descriptor, interest: [.readable, .writable], token: 7)
        }
        #expect(kernel.takeCalls().last?.changes == [change(.read, .delete), change(.write, .delete)])
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try backend.modify(descriptor, interest: .readable, token: 7)
        }
        #expect(kernel.takeCalls() == [])
    }

    @Test("what a kernel does not take is called always ready")
    func alwaysReady() throws {
        kernel.script(.receipts([.invalidArgument]))
        #expect(throws: Errno.notPermitted) { try backend.register(descriptor, interest: .readable, token: 7) }
    }

    @Test("a change that the kernel refuses leaves what was watched before")
    func changeRefused() throws {
        try backend.register(descriptor, interest: .readable, token: 7)
        _ = kernel.takeCalls()
        kernel.script(.receipts([nil]), .receipts([.noMemory]))
        #expect(throws: Errno.noMemory) { try backend.modify(descriptor, interest: .writable, token: 8) }
        #expect(
            kernel.takeCalls().map(\.changes) == [
                [change(.read, .delete)], [change(.write, .add, 8)], [change(.write, .delete, 8)],
                [change(.read, .add)],
            ])
        kernel.script(.events([KernelEvent(descriptor, .read, data: 1, udata: 7)]))
        #expect(try wait() == [ReadinessEvent(token: 7, readiness: .readable)])
    }

    @Test("what the kernel has forgotten, because it was closed, is not watched and can be registered")
    func forgotten() throws {
        try backend.register(descriptor, interest: [.readable, .writable], token: 7)
        kernel.script(.receipts([.noSuchFileOrDirectory, .noSuchFileOrDirectory]))
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try backend.modify(descriptor, interest: .readable, token: 7)
        }
        _ = kernel.takeCalls()
        backend.deregister(descriptor)
        #expect(kernel.takeCalls() == [])
        try backend.register(descriptor, interest: .readable, token: 8)
        #expect(throws: Errno.fileExists) { try backend.register(descriptor, interest: .readable, token: 9) }
        kernel.script(.receipts([.noSuchFileOrDirectory]))
        try backend.register(descriptor, interest: .readable, token: 9)
    }

    @Test("events of both directions are one report, whatever is between them")
    func merged() throws {
        let other = pipe.pipe.writeEnd.descriptor
        try backend.register(descriptor, interest: [.readable, .writable], token: 7)
        try backend.register(other, interest: .writable, token: 1)
        for _ in 1...2 {
            kernel.script(
                .events([
                    KernelEvent(descriptor, .write, data: 1, udata: 7), KernelEvent(other, .write, data: 1, udata: 1),
                    KernelEvent(descriptor, .read, data: 1, udata: 7),
                ]))
            #expect(
                try wait() == [
                    ReadinessEvent(token: 7, readiness: [.readable, .writable]),
                    ReadinessEvent(token: 1, readiness: .writable),
                ])
        }
    }

    @Test("a one-shot that was told of one direction has both disabled")
    func oneShot() throws {
        try backend.register(descriptor, interest: [.readable, .writable, .oneShot], token: 7)
        _ = kernel.takeCalls()
        kernel.script(.events([KernelEvent(descriptor, .read, .dispatch, data: 1, udata: 7)]))
        #expect(try wait() == [ReadinessEvent(token: 7, readiness: .readable)])
        #expect(kernel.takeCalls().last?.changes == [change(.read, .disable), change(.write, .disable)])
    }

    @Test("an error in fflags is an error, EV_EOF alone is not")
    func readiness() throws {
        try backend.register(descriptor, interest: .readable, token: 7)
        let reset = KernelEvent.FilterFlags(rawValue: UInt32(Errno.connectionReset.rawValue))
        kernel.script(
            .events([KernelEvent(descriptor, .read, .endOfFile, fflags: reset, udata: 7)]),
            .events([KernelEvent(descriptor, .read, .endOfFile, udata: 7)]))
        #expect(try wait() == [ReadinessEvent(token: 7, readiness: [.readable, .error])])
        #expect(try wait() == [ReadinessEvent(token: 7, readiness: .readable)])
    }

    @Test("what ends a wait early is thrown, the timeout is passed on")
    func errors() throws {
        kernel.script(.error(.interrupted), .error(.badFileDescriptor))
        #expect(throws: Errno.interrupted) { try wait() }
        #expect(throws: Errno.badFileDescriptor) { try wait() }
        _ = kernel.takeCalls()
        for timeout in [nil, Duration.zero, .milliseconds(1500)] {
            kernel.script(.events([]))
            var events: [ReadinessEvent] = []
            try backend.wait(timeout: timeout, into: &events)
            #expect(kernel.takeCalls().map(\.timeout) == [timeout])
        }
    }

    @Test("started anew, it has another kernel queue and watches nothing")
    func recreated() throws {
        try backend.register(descriptor, interest: .readable, token: 7)
        _ = kernel.takeCalls()
        try backend.recreate()
        backend.deregister(descriptor)
        #expect(throws: Errno.noSuchFileOrDirectory) {
            try backend.modify(descriptor, interest: .readable, token: 7)
        }
        try backend.register(descriptor, interest: .readable, token: 7)
        #expect(kernel.takeCalls() == [])
    }
}
